"""The mean gradient, clipped by value, by each parameter's norm, and by the norm of all.

1. Norms come from square sums over cells (bpcore/optimization/rules.py). Each cell has one owner and the others leave its
   sum zero, so adding up what all owners found rounds nothing, and the norms do not depend on the owners.
2. Statistics and frozen parameters have no gradient: they count in no norm.
"""

from collections.abc import Sequence

import numpy as np

from bpcore.arena import Layout
from bpcore.optimization.regularization import Clipping
from bpcore.optimization.rules import Rule, cells

AT_ONCE = 16  # cells whose squares are kept at a time


class Clipper:
    """`width`: how many sums norms are made of; 0 where none are needed."""

    def __init__(self, layout: Layout, rules: Sequence[Rule], clipping: Clipping):
        self._rules, self._clipping, self._cells = rules, clipping, cells(layout, rules)
        self.width = len(self._cells) - 1 if clipping.norm or clipping.global_norm else 0
        self._firsts = np.searchsorted(self._cells, [slot.offset for slot in layout.slots])
        self._squares = np.empty(AT_ONCE * np.diff(self._cells).max() if self.width else 0)

    def by_value(self, gradient: np.ndarray) -> None:
        """In place; of any part of the vector."""
        if self._clipping.value:
            np.clip(gradient, -self._clipping.value, self._clipping.value, out=gradient)

    def square_sums(self, gradient_sum: np.ndarray, count: float, epoch: int, part: slice) -> np.ndarray:
        """For each cell of the part the sum of the mean gradient's squares; float64 (width,), zero elsewhere."""
        sums = np.zeros(self.width)
        if not self.width:
            return sums
        first, last = np.searchsorted(self._cells, [part.start, part.stop])
        for i in range(first, last, AT_ONCE):
            bounds = self._cells[i:min(i + AT_ONCE, last) + 1]
            mean = gradient_sum[bounds[0]:bounds[-1]] / count
            self.by_value(mean)
            squares = np.square(mean, out=self._squares[:mean.size], dtype=np.float64)
            np.add.reduceat(squares, bounds[:-1] - bounds[0], out=sums[i:i + len(bounds) - 1])
        for i, own in enumerate(self._rules):
            if not own.trains(epoch):
                sums[self._firsts[i]:self._firsts[i + 1] if i + 1 < len(self._rules) else None] = 0
        return sums

    def scales(self, square_sums: np.ndarray) -> np.ndarray:
        """What each parameter's gradient is multiplied by; float64 (slots,)."""
        squares, clipping = np.add.reduceat(square_sums, self._firsts), self._clipping
        scales = np.ones(len(squares))
        if clipping.norm:
            scales = clipping.norm / np.maximum(np.sqrt(squares), clipping.norm)
        if clipping.global_norm:
            scales *= clipping.global_norm / max(np.sqrt(np.sum(squares * scales**2)), clipping.global_norm)
        return scales
