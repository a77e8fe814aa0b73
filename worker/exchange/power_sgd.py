"""power_sgd: nodes send each other a product of two narrow matrices for each parameter matrix; the rest waits.

Δₙ = Gₙ + Eₙ;   P = orthonormal(Σₙ Δₙ Q);   Qₙ = Δₙᵀ P;   sent: P (Σₙ Qₙ)ᵀ;   Eₙ ← Δₙ − P Qₙᵀ;   Q ← Σₙ Qₙ

Gₙ: node n's gradient of the matrix (rows, columns), a parameter of several axes with all but the last taken
together; Eₙ: its residual; Q: (columns, rank), random at first. Residuals and Q start afresh after a death and a
resume: they are no part of the replica, and at most what the last steps left out is lost.

1. Each matrix has one rank a node in charge. All messages are two sums over ranks, in which those who are not in
   charge add zeros.
2. Every node multiplies out P (Σ Qₙ)ᵀ with the first node's P, by additions in a fixed order, so that all get the same
   bits, whatever their processors.
3. Residuals are kept as parts of the mean, since the next batch may count more or fewer samples.
4. Vectors go whole, and so do running statistics, parameters whose rows are updated one by one, and matrices too
   small to gain.
5. Within a node nothing is sent, so on one node nothing is left out. The bits depend on the number of ranks.

rank: columns of P and Q. Source: Vogels, Karimireddy & Jaggi, "PowerSGD: practical low-rank gradient compression
for distributed optimization", NeurIPS 2019, algorithms 1 and 2.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from bpcore.arena import Layout, Slot
from bpcore.attributes import integer
from worker.crew import Crew
from worker.exchange import Reduction
from worker.reduction.low_rank import Matrix
from worker.reduction.sums import NodeSums


@dataclass(frozen=True)
class PowerSgd(Reduction):
    rank: int = integer(2, minimum=1)

    same_bits = False

    def open(self, crew, layout, shards, at_once):
        return LowRank(crew, layout, shards, at_once, self.rank)


class LowRank(NodeSums):
    def __init__(self, crew: Crew, layout: Layout, shards: int, at_once: bool, rank: int):
        super().__init__(crew, layout, shards, at_once)
        slots = sorted(layout.slots, key=lambda slot: -prod(slot.shape))  # so that each rank of a node gets large ones
        narrow = [slot for slot in slots if _gains(slot, rank)]
        whole = [slot for slot in slots if slot not in narrow]
        ps, qs = ([(_shape(slot)[axis], rank) for slot in narrow] for axis in (0, 1))
        self._first, firsts = _carved([*ps, *((prod(slot.shape),) for slot in whole)])
        self._second, seconds = _carved([*ps, *qs])
        draw = np.random.default_rng(0)
        starts = [draw.standard_normal(shape, np.float32) for shape in qs]
        matrices = map(Matrix, firsts, seconds, seconds[len(ps):], starts)
        self._matrices = list(zip(narrow, matrices))[crew.place::len(crew.mates)]
        self._whole = list(zip(whole, firsts[len(ps):]))[crew.place::len(crew.mates)]

    def between(self, count):
        crew, divisor = self.crew, np.float32(count or 1.0)
        self._first.fill(0)
        self._second.fill(0)
        for slot, matrix in self._matrices:
            self.of_node(slot.place)
            matrix.begin(self._view(slot), divisor)
        for slot, values in self._whole:
            values[...] = self.of_node(slot.place)
        crew.comm.sum(self._first)
        for slot, matrix in self._matrices:
            matrix.project(self._view(slot), divisor, gives_basis=crew.comm.rank in crew.nodes[0])
        crew.comm.sum(self._second)
        for slot, matrix in self._matrices:
            matrix.finish(self._view(slot))
        for slot, values in self._whole:
            self.total[slot.place] = values

    def _view(self, slot: Slot) -> np.ndarray:
        """The node's sum as a matrix."""
        return self.total[slot.place].reshape(_shape(slot))


def _gains(slot: Slot, rank: int) -> bool:
    """Whether this is a gradient, and less is sent than the gradient itself."""
    rows, columns = _shape(slot)
    return slot.momentum is None and not slot.sparse and rank * (2 * rows + columns) < rows * columns


def _shape(slot: Slot) -> tuple[int, int]:
    """Its rows and columns."""
    return prod(slot.shape[:-1]), slot.shape[-1] if slot.shape else 1


def _carved(shapes: Sequence[Sequence[int]]) -> tuple[np.ndarray, list[np.ndarray]]:
    """One flat array, and views of it of these shapes."""
    bounds = np.cumsum([0, *map(prod, shapes)])
    flat = np.zeros(bounds[-1], np.float32)
    return flat, [flat[low:high].reshape(shape) for low, high, shape in zip(bounds, bounds[1:], shapes)]
