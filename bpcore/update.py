"""From a gradient sum to new parameters: the mean, clipping, penalties, the optimizer, running statistics.

1. Reads one set of vectors and writes another: until the commit, the old set is whole.
2. Works on blocks that stay in the cache, each written once. All but norms is elementwise, so blocks change
   no bit, and owners of parts (cut at `borders`) get the bits that one alone would get.
3. The order: g = sum / count → clip (value, norm, global norm) → + l1 sign p + l2 p → direction d →
   + weight decay p → trust → p − η d → max norm → moving average.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from bpcore.arena import Layout, Vector
from bpcore.clipping import Clipper
from bpcore.rules import Rule, borders, rule, segments
from bpcore.spec import Spec

BLOCK = 32768  # numbers; 128 KiB in float32
AVERAGE = "average"

Vectors = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Pace:
    """Of one update. `step` from 1; `count`: what the loss sum is divided by (0: by 1); `samples`: in the global
    batch; `factor`: of the learning rate, from the schedule; `epoch` from 0."""

    step: int
    count: float
    samples: int
    factor: float = 1.0
    epoch: int = 0


@dataclass(frozen=True)
class Piece:
    """What one owner updates by one rule. `slot`: its first parameter's number."""

    place: slice
    blocks: list[slice]
    rule: Rule
    slot: int


class Updater:
    """`state`: names of the vectors kept beside the parameters. `borders`: where the flat vector may be cut
    into parts with an owner each, ascending, both ends included."""

    def __init__(self, spec: Spec, layout: Layout):
        self._spec, self._layout = spec, layout
        self.state = (*spec.optimizer.state, *([AVERAGE] if spec.average else []))
        self._rules = [rule(slot, spec) for slot in layout.slots]
        self.borders = borders(layout, self._rules)
        self._segments = list(segments(layout, self._rules, apart=spec.clipping.norm > 0))
        self._clipper = Clipper(layout, self._rules, spec.clipping)
        self._whole = slice(0, layout.size)
        self._pieces: dict[tuple[int, int], list[Piece]] = {}
        self._scratch: dict[np.dtype, list[np.ndarray]] = {}

    def norms(self, pace: Pace, gradient_sum: np.ndarray, part: slice | None = None) -> np.ndarray:
        """One part's share of what clipping by norm must know, float64; the sum over all parts is for `update`.

        Its length is fixed, 0 where nothing is clipped by norm. Each number is found by one owner and zero with
        the others, so the sum over owners is exact.
        """
        return self._clipper.square_sums(gradient_sum, _divisor(pace), pace.epoch, part or self._whole)

    def update(self, pace: Pace, gradient_sum: np.ndarray, p: np.ndarray, state: Vectors, new_p: np.ndarray,
               new_state: Vectors, part: slice | None = None, norms: np.ndarray | None = None) -> bool:
        """Writes `part` of `new_p` and `new_state` (None: all); whether every gradient used is finite.

        All arrays are flat, of the whole layout; nothing is read outside the part. norms: the sum of `norms`
        over all parts; None: made here, of the whole gradient.
        """
        scales = None
        if self._clipper.width:
            scales = self._clipper.scales(self.norms(pace, gradient_sum) if norms is None else norms)
        finite = True
        for piece in self._pieces_of(part or self._whole):
            if piece.rule.trains(pace.epoch):
                scale = 1.0 if scales is None else float(scales[piece.slot])
                finite &= self._train(piece, pace, gradient_sum, scale, p, state, new_p, new_state)
                continue
            for name in self._spec.optimizer.state:
                new_state[name][piece.place] = state[name][piece.place]
            new_p[piece.place] = p[piece.place]
            if piece.rule.momentum is not None:
                new_p[piece.place] += piece.rule.momentum * (gradient_sum[piece.place] / float(pace.samples) - p[piece.place])
                finite &= bool(np.isfinite(gradient_sum[piece.place]).all())
        if self._spec.average:
            self._move_average(pace.step, part or self._whole, new_p, state[AVERAGE], new_state[AVERAGE])
        return finite

    def evaluated(self, p: Vector, state: Mapping[str, Vector]) -> Vector:
        """The parameters that evaluation and export use: the moving average where there is one."""
        return state[AVERAGE] if self._spec.average and state[AVERAGE].flat.any() else p

    def _train(self, piece: Piece, pace: Pace, gradient_sum: np.ndarray, scale: float, p: np.ndarray, state: Vectors,
               new_p: np.ndarray, new_state: Vectors) -> bool:
        """A direction is written where the new parameters will be, so no memory is taken for it."""
        optimizer, own, divisor, finite = self._spec.optimizer, piece.rule, _divisor(pace), True
        rate = float(optimizer.learning_rate * pace.factor * own.learning_rate_scale)
        for block in piece.blocks:
            gradient, zeros = self._room(block, p.dtype)
            np.divide(gradient_sum[block], divisor, out=gradient)
            finite &= bool(gradient.dot(zeros) == 0)  # what is not finite times 0 is not a number
            self._clipper.by_value(gradient)
            old, d = p[block], new_p[block]
            _penalise(gradient, scale, own, old)
            optimizer.direction(pace.step, gradient, old, {name: state[name][block] for name in optimizer.state},
                                {name: new_state[name][block] for name in optimizer.state}, d)
            if own.weight_decay:
                d += np.multiply(old, own.weight_decay, out=gradient)
            if not own.trusted:
                d *= rate
                np.subtract(old, d, out=d)
        if own.trusted:
            whole = new_p[piece.place]
            whole *= rate * optimizer.trust(_norm(p, piece.blocks), _norm(new_p, piece.blocks))
            np.subtract(p[piece.place], whole, out=whole)
        if own.max_norm:
            slot = self._layout.slots[piece.slot]
            _bound(new_p[slot.place].reshape(slot.shape), own.max_norm)
        return finite

    def _pieces_of(self, part: slice) -> list[Piece]:
        """The segments cut to the part. Raises ValueError where it is not cut at borders."""
        key = (part.start, part.stop)
        if key not in self._pieces:
            if not np.isin(key, self.borders).all():
                raise ValueError(f"expected a part between two borders, got {part.start} to {part.stop}")
            cut = [(slice(max(part.start, segment.place.start), min(part.stop, segment.place.stop)), segment) for segment in self._segments]
            self._pieces[key] = [Piece(place, list(_blocks(place)), segment.rule, segment.slot)
                                 for place, segment in cut if place.start < place.stop]
        return self._pieces[key]

    def _room(self, block: slice, dtype: np.dtype) -> list[np.ndarray]:
        """Memory for one block: to work in, and zeros."""
        if dtype not in self._scratch:
            self._scratch[dtype] = [np.empty(BLOCK, dtype), np.zeros(BLOCK, dtype)]
        return [array[:block.stop - block.start] for array in self._scratch[dtype]]

    def _move_average(self, step: int, part: slice, new_p: np.ndarray, average: np.ndarray, new_average: np.ndarray) -> None:
        """a ← decay · a + (1 − decay) · p, starting at the parameters after the first update; in a form that
        leaves a as it is where p does not move."""
        if step == 1:
            new_average[part] = new_p[part]
            return
        for block in _blocks(part):
            moved = np.subtract(new_p[block], average[block], out=new_average[block])
            moved *= 1 - self._spec.average
            moved += average[block]


def _divisor(pace: Pace) -> float:
    return float(pace.count or 1)


def _penalise(gradient: np.ndarray, scale: float, own: Rule, p: np.ndarray) -> None:
    """gradient ← scale · gradient + l1 · sign p + l2 · p."""
    if scale != 1:
        gradient *= scale
    if own.l1:
        gradient += own.l1 * np.sign(p)
    if own.l2:
        gradient += own.l2 * p


def _bound(weights: np.ndarray, limit: float) -> None:
    """Scales each unit's incoming weights to a norm of at most `limit`."""
    flat = weights.reshape(-1, weights.shape[-1])
    norms = np.sqrt(np.square(flat, dtype=np.float64).sum(axis=0))
    flat *= np.minimum(1.0, limit / np.maximum(norms, 1e-30)).astype(flat.dtype)


def _norm(array: np.ndarray, blocks: list[slice]) -> float:
    """Euclidean, summed in float64 over the blocks."""
    return math.sqrt(sum(float(np.square(array[block], dtype=np.float64).sum()) for block in blocks))


def _blocks(place: slice) -> Iterator[slice]:
    for start in range(place.start, place.stop, BLOCK):
        yield slice(start, min(start + BLOCK, place.stop))
