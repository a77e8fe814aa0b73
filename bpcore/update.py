"""From a gradient sum to new parameters: the mean, clipping, penalties, the optimizer, running statistics.

1. Reads one set of vectors and writes another: until the commit, the old set is whole.
2. All but norms is elementwise, in one pass (bpcore/descent.py), so owners of parts (cut at `borders`) get the
   bits that one alone would get.
3. The order: g = sum / count → clip (value, norm, global norm) → + l1 sign p + l2 p → direction d →
   + weight decay p → trust → p − η d → max norm → moving average.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from bpcore.arena import Layout, Vector
from bpcore.clipping import Clipper
from bpcore.descent import Arrays, Descent, Pace
from bpcore.rules import Rule, borders, rule, segments
from bpcore.spec import Spec

AVERAGE, EPOCH_START = "average", "epoch_start"
BLOCK = 32768  # numbers; 128 KiB in float32

__all__ = ["AVERAGE", "BLOCK", "EPOCH_START", "Pace", "Updater"]


@dataclass(frozen=True)
class Piece:
    """What one owner updates by one rule. `slot`: its first parameter's number."""

    place: slice
    rule: Rule
    descent: Descent
    slot: int


class Updater:
    """`state`: names of the vectors kept beside the parameters. `borders`: where the flat vector may be cut
    into parts with an owner each, ascending, both ends included."""

    def __init__(self, spec: Spec, layout: Layout):
        self._spec, self._layout, self._optimizer = spec, layout, spec.optimizer
        self.state = (*spec.optimizer.state, *([AVERAGE] if spec.average else []), *([EPOCH_START] if spec.keeps_start else []))
        self._rules = [rule(slot, spec) for slot in layout.slots]
        self.borders = borders(layout, self._rules)
        self._segments = list(segments(layout, self._rules, apart=spec.clipping.norm > 0))
        self._clipper = Clipper(layout, self._rules, spec.clipping)
        self._constants: tuple[int, tuple[float, ...]] = (0, ())
        self._whole = slice(0, layout.size)
        self._pieces: dict[tuple[int, int], list[Piece]] = {}

    def norms(self, pace: Pace, gradient_sum: np.ndarray, part: slice | None = None) -> np.ndarray:
        """One part's share of what clipping by norm must know, float64; the sum over all parts is for `update`.

        Its length is fixed, 0 where nothing is clipped by norm. Each number is found by one owner and zero with
        the others, so the sum over owners is exact.
        """
        return self._clipper.square_sums(gradient_sum, pace.divisor, pace.epoch, part or self._whole)

    def update(self, pace: Pace, gradient_sum: np.ndarray, p: np.ndarray, state: Arrays, new_p: np.ndarray,
               new_state: Arrays, part: slice | None = None, norms: np.ndarray | None = None) -> bool:
        """Writes `part` of `new_p` and `new_state` (None: all); whether every gradient used is finite.

        All arrays are flat, of the whole layout; nothing is read outside the part. norms: the sum of `norms`
        over all parts; None: made here, of the whole gradient.
        """
        part, scales, finite = part or self._whole, None, True
        if self._clipper.width:
            scales = self._clipper.scales(self.norms(pace, gradient_sum) if norms is None else norms)
        for piece in self._pieces_of(part):
            if piece.rule.trains(pace.epoch):
                scale = 1.0 if scales is None else float(scales[piece.slot])
                train = self._train_rows if piece.rule.row else self._train
                finite &= train(piece, pace, scale, gradient_sum, p, state, new_p, new_state)
                continue
            self._keep(piece.place, p, state, new_p, new_state)
            if piece.rule.momentum is not None:
                new_p[piece.place] += piece.rule.momentum * (gradient_sum[piece.place] / float(pace.samples) - p[piece.place])
                finite &= bool(np.isfinite(gradient_sum[piece.place]).all())
        if self._spec.average:
            self._move_average(pace.step, part, new_p, state[AVERAGE], new_state[AVERAGE])
        if self._spec.keeps_start:
            new_state[EPOCH_START][part] = (p if pace.begins else state[EPOCH_START])[part]
        return finite

    def evaluated(self, p: Vector, state: Mapping[str, Vector]) -> Vector:
        """The parameters that evaluation and export use: the moving average where there is one."""
        return state[AVERAGE] if self._spec.average and state[AVERAGE].flat.any() else p

    def _pieces_of(self, part: slice) -> list[Piece]:
        """The segments cut to the part. Raises ValueError where it is not cut at borders."""
        key = (part.start, part.stop)
        if key not in self._pieces:
            if not np.isin(key, self.borders).all():
                raise ValueError(f"expected a part between two borders, got {part.start} to {part.stop}")
            cut = [(slice(max(part.start, segment.place.start), min(part.stop, segment.place.stop)), segment) for segment in self._segments]
            self._pieces[key] = [Piece(place, segment.rule, Descent(self._optimizer, self._spec.clipping, segment.rule), segment.slot)
                                 for place, segment in cut if place.start < place.stop]
        return self._pieces[key]

    def _train(self, piece: Piece, pace: Pace, scale: float, gradient_sum: np.ndarray, p: np.ndarray, state: Arrays,
               new_p: np.ndarray, new_state: Arrays) -> bool:
        finite = piece.descent.step(pace, self._constants_at(pace.step), scale, gradient_sum, p, state, new_p, new_state, piece.place)
        if piece.rule.trusted:
            moved = new_p[piece.place]  # still directions
            trust = self._optimizer.trust(_norm(p[piece.place]), _norm(moved))
            moved *= piece.descent.rate(pace) * trust
            np.subtract(p[piece.place], moved, out=moved)
        self._bound(piece, new_p)
        return finite

    def _train_rows(self, piece: Piece, pace: Pace, scale: float, gradient_sum: np.ndarray, p: np.ndarray, state: Arrays,
                    new_p: np.ndarray, new_state: Arrays) -> bool:
        """Only the rows that have a gradient; a row of zeros stays where it is, with its state."""
        row, finite = piece.rule.row, True
        end = min(piece.place.stop, self._layout.slots[piece.slot].place.stop)

        def table(array: np.ndarray) -> np.ndarray:
            return array[piece.place.start:end].reshape(-1, row)

        self._keep(piece.place, p, state, new_p, new_state)
        bits = table(gradient_sum).view(f"u{gradient_sum.itemsize}")  # whether any number has a bit: faster than a comparison
        touched = np.flatnonzero(np.bitwise_or.reduce(bits, axis=1))
        for i in range(0, len(touched), max(1, BLOCK // row)):
            rows = touched[i:i + max(1, BLOCK // row)]
            old = {name: table(state[name])[rows].ravel() for name in self._optimizer.state}
            new = {name: np.empty_like(array) for name, array in old.items()}
            values, sums = table(p)[rows].ravel(), table(gradient_sum)[rows].ravel()
            moved = np.empty_like(values)
            finite &= piece.descent.step(pace, self._constants_at(pace.step), scale, sums, values, old, moved, new, slice(0, moved.size))
            table(new_p)[rows] = moved.reshape(-1, row)
            for name, array in new.items():
                table(new_state[name])[rows] = array.reshape(-1, row)
        self._bound(piece, new_p)
        return finite

    def _constants_at(self, step: int) -> tuple[float, ...]:
        """The optimizer's; every part of a step asks."""
        if self._constants[0] != step:
            self._constants = step, self._optimizer.constants(step)
        return self._constants[1]

    def _keep(self, place: slice, p: np.ndarray, state: Arrays, new_p: np.ndarray, new_state: Arrays) -> None:
        """All as it was."""
        new_p[place] = p[place]
        for name in self._optimizer.state:
            new_state[name][place] = state[name][place]

    def _bound(self, piece: Piece, new_p: np.ndarray) -> None:
        """Scales each unit's incoming weights to a norm of at most the rule's."""
        if not piece.rule.max_norm:
            return
        slot = self._layout.slots[piece.slot]
        table = new_p[slot.place].reshape(-1, slot.shape[-1])
        norms = np.sqrt(np.square(table, dtype=np.float64).sum(axis=int(slot.by_rows), keepdims=True))
        table *= np.minimum(1.0, piece.rule.max_norm / np.maximum(norms, 1e-30)).astype(table.dtype)

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


def _norm(array: np.ndarray) -> float:
    """Euclidean, summed in float64 over blocks."""
    return math.sqrt(sum(float(np.square(array[block], dtype=np.float64).sum()) for block in _blocks(slice(0, array.size))))


def _blocks(place: slice) -> Iterator[slice]:
    for start in range(place.start, place.stop, BLOCK):
        yield slice(start, min(start + BLOCK, place.stop))
