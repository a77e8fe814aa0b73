"""The update of one piece of the flat vectors, bound to them: trained, trained by rows, or left as it is.

Once a step a move is told what differs from step to step: the pace, the optimizer's constants, and what clipping by norm
multiplies the mean gradient by. Its call writes its place of the new vectors, and raises a flag where the gradient is not
finite: it takes nothing and gives nothing, so that several can be made one (bpcore/kernels/program.py).
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from bpcore.arena import Slot
from bpcore.optimization.descent import Arrays, Descent, Pace, Tell
from bpcore.optimization.rules import Rule

BLOCK = 32768  # numbers; 128 KiB in float32

Write = Callable[[Pace, tuple[float, ...], float], object]


class Move(NamedTuple):
    tell: Tell
    call: Callable[[], object]

    @classmethod
    def of(cls, write: Write) -> "Move":
        """Which writes by itself what it is told."""
        told: list[Any] = []
        return cls(lambda *given: told.__setitem__(slice(None), given), lambda: write(*told))


class Flats(NamedTuple):
    """What an update reads: the gradient's sum, the parameters, and the optimizer's vectors by name; and what it writes. All
    are flat, of the whole layout; `flag`, float64 (1,), is 1 where a gradient is not finite."""

    gradient_sum: np.ndarray
    p: np.ndarray
    state: Arrays
    new_p: np.ndarray
    new_state: Arrays
    flag: np.ndarray


@dataclass(frozen=True)
class Piece:
    """What one owner updates by one rule. `slot`: its first parameter."""

    place: slice
    rule: Rule
    descent: Descent
    slot: Slot

    def bound(self, flats: Flats) -> Move:
        rule = self.rule
        if rule.momentum is not None:
            return Move.of(partial(self._follow, flats))
        move = Move.of(self._rows(flats)) if rule.row else self._dense(flats)
        if not rule.frozen_epochs:
            return move

        def train(pace: Pace, constants: tuple[float, ...], scale: float) -> None:
            if rule.trains(pace.epoch):
                move.tell(pace, constants, scale)
                move.call()
            else:
                self._keep(flats)

        return Move.of(train)

    def _dense(self, flats: Flats) -> Move:
        move = Move(*self.descent.bound(*flats, self.place.start, self.place.stop))
        if not self.rule.looks_at_all:
            return move

        def train(pace: Pace, constants: tuple[float, ...], scale: float) -> None:
            move.tell(pace, constants, scale)
            move.call()
            if self.rule.trusted:  # what is written are still directions
                old, moved = flats.p[self.place], flats.new_p[self.place]
                moved *= self.descent.rate(pace) * self.descent.optimizer.trust(_norm(old), _norm(moved))
                np.subtract(old, moved, out=moved)
            self._bound_norm(flats.new_p)

        return Move.of(train)

    def _rows(self, flats: Flats) -> Write:
        """Only the rows that have a gradient; a row of zeros stays where it is, with its state."""
        row, names = self.rule.row, self.descent.optimizer.state
        end = min(self.place.stop, self.slot.place.stop)

        def table(array: np.ndarray) -> np.ndarray:
            return array[self.place.start:end].reshape(-1, row)

        read = {"sums": table(flats.gradient_sum), "p": table(flats.p), **{name: table(flats.state[name]) for name in names}}
        written = {"p": table(flats.new_p), **{name: table(flats.new_state[name]) for name in names}}
        bits = read["sums"].view(f"u{flats.p.itemsize}")  # whether any number has a bit: faster than a comparison
        at_once = max(1, min(BLOCK // row, len(bits)))
        some, moved = ({name: np.empty(at_once * row, flats.p.dtype) for name in tables} for tables in (read, written))
        tell, descend = self.descent.bound(some["sums"], some["p"], some, moved["p"], moved, flats.flag)

        def train(pace: Pace, constants: tuple[float, ...], scale: float) -> None:
            self._keep(flats)
            tell(pace, constants, scale)
            touched = np.flatnonzero(np.bitwise_or.reduce(bits, axis=1))
            for i in range(0, len(touched), at_once):
                rows = touched[i:i + at_once]
                size = rows.size * row
                for name, old in read.items():
                    some[name][:size] = old[rows].ravel()
                descend(0, size)
                for name, new in written.items():
                    new[rows] = moved[name][:size].reshape(-1, row)
            self._bound_norm(flats.new_p)

        return train

    def _keep(self, flats: Flats) -> None:
        """All as it was."""
        flats.new_p[self.place] = flats.p[self.place]
        for name in self.descent.optimizer.state:
            flats.new_state[name][self.place] = flats.state[name][self.place]

    def _follow(self, flats: Flats, pace: Pace, constants: tuple[float, ...], scale: float) -> None:
        """A running statistic moves towards the samples' mean."""
        self._keep(flats)
        sums = flats.gradient_sum[self.place]
        flats.new_p[self.place] += self.rule.momentum * (sums / float(pace.samples) - flats.p[self.place])
        if not np.isfinite(sums).all():
            flats.flag[0] = 1

    def _bound_norm(self, new_p: np.ndarray) -> None:
        """Scales each unit's incoming weights to a norm of at most the rule's."""
        if not self.rule.max_norm:
            return
        table = new_p[self.slot.place].reshape(-1, self.slot.shape[-1])
        norms = np.sqrt(np.square(table, dtype=np.float64).sum(axis=int(self.slot.by_rows), keepdims=True))
        table *= np.minimum(1.0, self.rule.max_norm / np.maximum(norms, 1e-30)).astype(table.dtype)


def blocks(place: slice) -> Iterator[slice]:
    """Parts of it that stay in the cache."""
    for start in range(place.start, place.stop, BLOCK):
        yield slice(start, min(start + BLOCK, place.stop))


def _norm(array: np.ndarray) -> float:
    """Euclidean, summed in float64 over blocks."""
    return math.sqrt(sum(float(np.square(array[block], dtype=np.float64).sum()) for block in blocks(slice(0, array.size))))
