"""fast: plain sums, and MPI's own all-reduce between nodes; optionally in half the bytes.

1. It gives up the promise that the number of ranks changes no bit: sums are made in the order of ranks, and those
   of nodes in whatever order MPI takes. All ranks of one run have the same bits all the same.
2. Within a node nothing is sent. Where nodes have several ranks, these share the messages (slices.py); where each
   has one, it is MPI_Allreduce.
3. In two bytes (wire.py) numbers are sent to the owner of a slice, added in float32, and sent back: MPI's
   all-reduce knows neither format.

wire: how numbers are written between nodes. float16 is the more precise one, bfloat16 the faster.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import chain

import numpy as np

from bpcore.arena import Layout
from bpcore.attributes import choice
from worker.crew import Crew
from worker.exchange import Reduction
from worker.reduction.slices import Slices
from worker.reduction.sums import NodeSums
from worker.reduction.wire import WIRES, Float32, Wire


@dataclass(frozen=True)
class Fast(Reduction):
    wire: str = choice(*WIRES)

    same_bits = False

    def open(self, crew, layout, shards, at_once):
        return AllReduce(crew, layout, shards, at_once, WIRES[self.wire]())


class AllReduce(NodeSums):
    def __init__(self, crew: Crew, layout: Layout, shards: int, at_once: bool, wire: Wire):
        super().__init__(crew, layout, shards, at_once)
        self._is_plain = isinstance(wire, Float32) and all(len(node) == 1 for node in crew.nodes)
        self._slices = Slices(crew, [1] * len(crew.nodes), wire)

    def between(self, count):
        if self._is_plain:
            self.crew.comm.sum(self.of_node(slice(0, self.layout.size)))
        else:
            self._slices.combine(self.layout.size, lambda part: [self.of_node(part)], _add, self.total)


def _add(brought: Sequence[Sequence[np.ndarray]]) -> np.ndarray:
    """In the order of nodes, in place."""
    return reduce(lambda left, right: np.add(left, right, out=left), chain(*brought))
