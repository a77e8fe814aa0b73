"""top_k: nodes send each other the largest entries of their gradients alone; the rest waits for its turn.

Δ = g + e;   sent: the k entries of Δ of largest magnitude;   e ← Δ − sent

g: the node's gradient, e: the residual, which starts at zero, also after a death and a resume: it is no part of the
replica, and at most what the last steps left out is lost.

1. The vector goes by windows, each cut into as many slices as the largest node has ranks. Of each slice one rank a
   node is in charge: it chooses, exchanges pairs of place and value with those in charge elsewhere, and adds
   up what came, in the order of ranks, so that all nodes get the same bits.
2. Residuals are kept as parts of the mean, since the next batch may count more or fewer samples.
3. Running statistics are no gradient, and would be wrong without their small entries: they go whole.
4. Within a node nothing is sent, so on one node nothing is left out. The bits depend on the number of ranks.

share: of the entries, sent in each step; each costs the bytes of two. Source: Stich, Cordonnier & Jaggi, "Sparsified
SGD with memory", NeurIPS 2018, algorithm 1; Aji & Heafield, "Sparse communication for distributed gradient
descent", EMNLP 2017.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

import numpy as np

from bpcore.arena import Layout
from bpcore.attributes import number
from worker.crew import Crew
from worker.exchange import Reduction
from worker.reduction.slices import cut, server, swap, windows
from worker.reduction.sums import NodeSums


@dataclass(frozen=True)
class TopK(Reduction):
    share: float = number(0.01, above=0, below=1)

    same_bits = False

    def open(self, crew, layout, shards, at_once):
        return Largest(crew, layout, shards, at_once, self.share)


class Largest(NodeSums):
    def __init__(self, crew: Crew, layout: Layout, shards: int, at_once: bool, share: float):
        super().__init__(crew, layout, shards, at_once)
        self._share, self._residual = share, np.zeros(layout.size, np.float32)
        rails = range(max(map(len, crew.nodes)))
        self._in_charge = [{server(node, i) for node in crew.nodes} for i in rails]
        mine = {i for i in rails if crew.comm.rank in self._in_charge[i]}
        self._windows = [{i: part for i, part in enumerate(cut(window, len(rails))) if i in mine and part.start < part.stop}
                         for window in windows(layout.size)]
        statistics = np.concatenate([np.arange(0), *(np.r_[slot.place] for slot in layout.slots if slot.momentum is not None)])
        own = np.zeros(layout.size, bool)
        for part in self._parts():
            own[part] = True
        self._statistics, self._own = statistics, np.flatnonzero(own[statistics])

    def between(self, count):
        for part in self._parts():
            self.of_node(part)
        own = self._statistics[self._own]
        sums = np.zeros(len(self._statistics), np.float32)
        sums[self._own], self.total[own] = self.total[own], 0
        self.crew.comm.sum(sums)
        for parts in self._windows:
            messages = {i: self._compressed(part, count or 1.0) for i, part in parts.items()}
            self._exchange(parts, messages)
        self.total[own] = sums[self._own]

    def _parts(self) -> Iterator[slice]:
        """All slices that this rank is in charge of."""
        return chain(*(parts.values() for parts in self._windows))

    def _compressed(self, part: slice, count: float) -> np.ndarray:
        """The largest entries there: their places in the part, then their values' bits. The total is zeros afterwards."""
        delta, residual = self.total[part], self._residual[part]
        delta += residual * np.float32(count)
        sent = np.sort(np.argpartition(np.abs(delta), -self._entries(part))[-self._entries(part):])
        message = np.concatenate([sent.astype(np.uint32), delta[sent].view(np.uint32)])
        delta[sent] = 0
        np.divide(delta, np.float32(count), out=residual)
        delta.fill(0)
        return message

    def _exchange(self, parts: Mapping[int, slice], messages: Mapping[int, np.ndarray]) -> None:
        """Adds up what all in charge of these slices send."""
        ranks = range(self.crew.comm.size)
        shared = [[i for i in parts if rank in self._in_charge[i]] for rank in ranks]
        came = swap(self.crew.comm, np.uint32, [[messages[i] for i in each] for each in shared],
                    [[len(messages[i]) for i in each] for each in shared])
        for rank in ranks:
            for i, message in zip(shared[rank], came[rank]):
                places, values = message.reshape(2, -1)
                self.total[parts[i]][places] += values.view(np.float32)

    def _entries(self, part: slice) -> int:
        """How many are sent of it."""
        return math.ceil(self._share * (part.stop - part.start))
