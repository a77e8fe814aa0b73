"""From a gradient sum to new parameters: the mean, clipping, penalties, the optimizer, running statistics.

1. Reads one set of vectors and writes another: until the commit, the old set is whole.
2. All but norms is elementwise, in one pass (bpcore/optimization/descent.py), so owners of parts (cut at `borders`) get the
   bits that one alone would get.
3. The order: g = sum / count → clip (value, norm, global norm) → + l1 sign p + l2 p → direction d →
   + weight decay p → trust → p − η d → max norm → moving average.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from bpcore.arena import Layout, Vector
from bpcore.optimization.clipping import Clipper
from bpcore.optimization.descent import Arrays, Descent, Pace
from bpcore.optimization.moves import BLOCK, Flats, Move, Piece, blocks
from bpcore.optimization.rules import borders, rule, segments
from bpcore.spec import Spec

AVERAGE, EPOCH_START = "average", "epoch_start"

__all__ = ["AVERAGE", "BLOCK", "EPOCH_START", "Pace", "Update", "Updater"]


class Update(NamedTuple):
    """Of one part of certain vectors: in every step `tell(pace, norms)`, then `calls`, in order, which may be made one with others
    (bpcore/kernels/program.py). norms: the sum of `norms` over all parts, None where nothing is clipped by norm."""

    tell: Callable[[Pace, np.ndarray | None], object]
    calls: Sequence[Callable[[], object]]

    def run(self, pace: Pace, norms: np.ndarray | None) -> None:
        self.tell(pace, norms)
        for call in self.calls:
            call()


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
        flag = np.zeros(1)
        self.bound(gradient_sum, p, state, new_p, new_state, flag, part).run(pace, self.norms(pace, gradient_sum) if norms is None else norms)
        return not flag[0]

    def bound(self, gradient_sum: np.ndarray, p: np.ndarray, state: Arrays, new_p: np.ndarray, new_state: Arrays,
              flag: np.ndarray, part: slice | None = None) -> Update:
        """The same for all steps that go over these arrays. flag: float64 (1,), set to 1 where a gradient used is not finite."""
        flats, part = Flats(gradient_sum, p, state, new_p, new_state, flag), part or self._whole
        behind = [write for write, wanted in ((self._move_average, self._spec.average), (self._keep_start, self._spec.keeps_start)) if wanted]
        moves = [(slot, piece.bound(flats)) for slot, piece in self._pieces(part)]
        moves += [(0, Move.of(partial(write, flats, part))) for write in behind]
        clips = self._clipper.width > 0

        def tell(pace: Pace, norms: np.ndarray | None) -> None:
            scales, constants = self._clipper.scales(norms) if clips else None, self._constants_at(pace.step)
            for slot, move in moves:
                move.tell(pace, constants, float(scales[slot]) if clips else 1.0)

        return Update(tell, [move.call for _, move in moves])

    def evaluated(self, p: Vector, state: Mapping[str, Vector]) -> Vector:
        """The parameters that evaluation and export use: the moving average where there is one."""
        return state[AVERAGE] if self._spec.average and state[AVERAGE].flat.any() else p

    def _pieces(self, part: slice) -> list[tuple[int, Piece]]:
        """The segments cut to the part, each with the number of its first parameter. Raises ValueError where the part is
        not cut at borders."""
        if not np.isin((part.start, part.stop), self.borders).all():
            raise ValueError(f"expected a part between two borders, got {part.start} to {part.stop}")
        cut = [(slice(max(part.start, segment.place.start), min(part.stop, segment.place.stop)), segment) for segment in self._segments]
        return [(segment.slot, Piece(place, segment.rule, Descent(self._optimizer, self._spec.clipping, segment.rule), self._layout.slots[segment.slot]))
                for place, segment in cut if place.start < place.stop]

    def _constants_at(self, step: int) -> tuple[float, ...]:
        """The optimizer's; every part of a step asks."""
        if self._constants[0] != step:
            self._constants = step, self._optimizer.constants(step)
        return self._constants[1]

    def _move_average(self, flats: Flats, part: slice, pace: Pace, *_: object) -> None:
        """a ← decay · a + (1 − decay) · p, starting at the parameters after the first update; in a form that
        leaves a as it is where p does not move."""
        average, new_average = flats.state[AVERAGE], flats.new_state[AVERAGE]
        if pace.step == 1:
            new_average[part] = flats.new_p[part]
            return
        for block in blocks(part):
            moved = np.subtract(flats.new_p[block], average[block], out=new_average[block])
            moved *= 1 - self._spec.average
            moved += average[block]

    def _keep_start(self, flats: Flats, part: slice, pace: Pace, *_: object) -> None:
        """The parameters that the epoch began with."""
        flats.new_state[EPOCH_START][part] = (flats.p if pace.begins else flats.state[EPOCH_START])[part]
