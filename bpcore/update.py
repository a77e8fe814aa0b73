"""From a gradient sum to new parameters: the mean, clipping, penalties, the optimizer, running statistics.

1. Reads one set of vectors and writes another: until the commit, the old set is whole.
2. Works on blocks that stay in the cache. All but norms is elementwise, so blocks change no bit; norms are
   summed in float64 over fixed blocks, so they do not depend on who computes them.
3. The order: g = sum / count → clip (value, norm, global norm) → + l1 sign p + l2 p → direction d →
   + weight decay p → trust → p − η d → max norm → moving average.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from bpcore.arena import Layout, Slot, Vector
from bpcore.spec import Spec

BLOCK = 16384  # numbers; 64 KiB in float32
AVERAGE = "average"

Vectors = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Rule:
    """What happens to a parameter in every update."""

    momentum: float | None = None
    frozen_epochs: float = 0
    learning_rate_scale: float = 1.0
    weight_decay: float = 0.0
    l1: float = 0.0
    l2: float = 0.0

    def frozen(self, pace: "Pace") -> bool:
        return pace.epoch < self.frozen_epochs


@dataclass(frozen=True)
class Pace:
    """Of one update. `step` from 1; `count`: what the loss sum is divided by (0: by 1); `samples`: in the global
    batch; `factor`: of the learning rate, from the schedule; `epoch` from 0."""

    step: int
    count: float
    samples: int
    factor: float = 1.0
    epoch: int = 0


class Updater:
    """`state`: names of the vectors kept beside the parameters."""

    def __init__(self, spec: Spec, layout: Layout):
        self._spec, self._layout = spec, layout
        self.state = (*spec.optimizer.state, *([AVERAGE] if spec.average else []))
        self._segments = list(_merged(layout, spec, whole_slots=spec.optimizer.uses_trust))
        self._clips_norms = bool(spec.clipping.norm or spec.clipping.global_norm)
        self._rules = {slot: _rule(slot, spec) for slot in layout.slots}
        self._bounded = [slot for slot in layout.slots if _is_bounded(slot, spec)]

    def update(self, pace: Pace, gradient_sum: np.ndarray, p: np.ndarray, state: Vectors, new_p: np.ndarray,
               new_state: Vectors) -> None:
        """Writes `new_p` and `new_state`. All arrays are flat, of one layout."""
        scales = self._clip_scales(gradient_sum, pace) if self._clips_norms else None
        for place, rule in self._segments:
            if rule.momentum is not None:
                new_p[place] = p[place] + rule.momentum * (gradient_sum[place] / pace.samples - p[place])
            elif rule.frozen(pace):
                new_p[place] = p[place]
            else:
                self._trained(place, rule, pace, gradient_sum, scales, p, state, new_p, new_state)
                continue
            for name in self._spec.optimizer.state:
                new_state[name][place] = state[name][place]
        for slot in self._bounded:
            if not self._rules[slot].frozen(pace):
                _bound(new_p[slot.place].reshape(slot.shape), self._spec.regularization.max_norm)
        if self._spec.average:
            self._move_average(pace.step, new_p, state[AVERAGE], new_state[AVERAGE])

    def evaluated(self, p: Vector, state: Mapping[str, Vector]) -> Vector:
        """The parameters that evaluation and export use: the moving average where there is one."""
        return state[AVERAGE] if self._spec.average and state[AVERAGE].flat.any() else p

    def _trained(self, place: slice, rule: Rule, pace: Pace, gradient_sum: np.ndarray, scales: np.ndarray | None,
                 p: np.ndarray, state: Vectors, new_p: np.ndarray, new_state: Vectors) -> None:
        optimizer = self._spec.optimizer
        rate = optimizer.learning_rate * pace.factor * rule.learning_rate_scale
        whole = np.empty(place.stop - place.start, p.dtype) if optimizer.uses_trust else None
        for block in _blocks(place):
            gradient = self._gradient(block, rule, pace, gradient_sum, scales, p)
            d = np.empty_like(gradient) if whole is None else whole[block.start - place.start:block.stop - place.start]
            optimizer.direction(pace.step, gradient, p[block], {name: state[name][block] for name in optimizer.state},
                                {name: new_state[name][block] for name in optimizer.state}, d)
            if rule.weight_decay:
                d += rule.weight_decay * p[block]
            if whole is None:
                d *= rate
                np.subtract(p[block], d, out=new_p[block])
        if whole is not None:
            rate *= optimizer.trust(_norm(p[place]), _norm(whole))
            np.subtract(p[place], rate * whole, out=new_p[place])

    def _gradient(self, block: slice, rule: Rule, pace: Pace, gradient_sum: np.ndarray, scales: np.ndarray | None,
                  p: np.ndarray) -> np.ndarray:
        """The mean, clipped and with its penalties."""
        gradient = gradient_sum[block] / gradient_sum.dtype.type(pace.count or 1)
        if self._spec.clipping.value:
            np.clip(gradient, -self._spec.clipping.value, self._spec.clipping.value, out=gradient)
        if scales is not None:
            gradient *= scales[block]
        if rule.l1:
            gradient += rule.l1 * np.sign(p[block])
        if rule.l2:
            gradient += rule.l2 * p[block]
        return gradient

    def _clip_scales(self, gradient_sum: np.ndarray, pace: Pace) -> np.ndarray:
        """For each number of the vector, what its gradient is multiplied by."""
        clipping = self._spec.clipping
        scales = np.ones_like(gradient_sum)
        total = 0.0
        for slot in self._layout.slots:
            if slot.momentum is not None or self._rules[slot].frozen(pace):
                continue
            gradient = gradient_sum[slot.place] / (pace.count or 1)
            if clipping.value:
                np.clip(gradient, -clipping.value, clipping.value, out=gradient)
            norm = _norm(gradient)
            if clipping.norm and norm > clipping.norm:
                scales[slot.place] = clipping.norm / norm
                norm = clipping.norm
            total += norm * norm
        if clipping.global_norm and math.sqrt(total) > clipping.global_norm:
            scales *= clipping.global_norm / math.sqrt(total)
        return scales

    def _move_average(self, step: int, new_p: np.ndarray, average: np.ndarray, new_average: np.ndarray) -> None:
        """a ← decay · a + (1 − decay) · p, starting at the parameters after the first update; in a form that
        leaves a as it is where p does not move."""
        if step == 1:
            new_average[...] = new_p
            return
        np.subtract(new_p, average, out=new_average)
        new_average *= 1 - self._spec.average
        new_average += average


def _merged(layout: Layout, spec: Spec, whole_slots: bool) -> Iterator[tuple[slice, Rule]]:
    """Neighbouring parameters with one rule as one slice, gaps included; with `whole_slots` each by itself."""
    start, rule = 0, None
    for slot in layout.slots:
        own = _rule(slot, spec)
        if rule is not None and (own != rule or whole_slots):
            yield slice(start, slot.offset), rule
            start = slot.offset
        rule = own
    if rule is not None:
        yield slice(start, layout.size), rule


def _rule(slot: Slot, spec: Spec) -> Rule:
    if slot.momentum is not None:
        return Rule(momentum=slot.momentum)
    extra = spec.regularization
    matched = [group for group in spec.groups if group.matches(slot.full_name)]
    excluded = extra.excludes(slot.full_name)
    decay = 0.0 if excluded else spec.optimizer.decay + extra.weight_decay
    for group in matched:
        decay = decay if group.weight_decay is None else group.weight_decay
    last = matched[-1] if matched else None
    frozen_epochs = 0 if last is None else math.inf if last.frozen else last.frozen_epochs
    return Rule(frozen_epochs=frozen_epochs, learning_rate_scale=last.learning_rate_scale if last else 1.0,
                weight_decay=decay, l1=0.0 if excluded else extra.l1, l2=0.0 if excluded else extra.l2)


def _is_bounded(slot: Slot, spec: Spec) -> bool:
    extra = spec.regularization
    excluded = extra.excludes(slot.full_name)
    return bool(extra.max_norm) and len(slot.shape) > 1 and slot.momentum is None and not excluded


def _bound(weights: np.ndarray, limit: float) -> None:
    """Scales each unit's incoming weights to a norm of at most `limit`."""
    flat = weights.reshape(-1, weights.shape[-1])
    norms = np.sqrt(np.square(flat, dtype=np.float64).sum(axis=0))
    flat *= np.minimum(1.0, limit / np.maximum(norms, 1e-30)).astype(flat.dtype)


def _norm(array: np.ndarray) -> float:
    """Euclidean, summed in float64 over fixed blocks."""
    return math.sqrt(sum(float(np.square(array[block], dtype=np.float64).sum()) for block in _blocks(slice(0, array.size))))


def _blocks(place: slice) -> Iterator[slice]:
    for start in range(place.start, place.stop, BLOCK):
        yield slice(start, min(start + BLOCK, place.stop))
