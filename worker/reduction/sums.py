"""Plain sums: of a rank's shards as it computes them, then of a node's ranks, then of all nodes.

1. A rank keeps two gradients, however many shards it has: the sum so far, and the one being computed.
2. A node's sum takes the place of its first rank's that has shards.
3. The order of additions, and with it the bits, depends on who holds which shards.
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from bpcore.arena import Layout, Vector
from worker.crew import Crew
from worker.exchange import Exchange
from worker.node.regions import Regions


class NodeSums(Exchange):
    """What is left to say is what nodes send each other: `between`. `at_once`: a rank's shards are computed side by
    side, each in a buffer of its own."""

    def __init__(self, crew: Crew, layout: Layout, shards: int, at_once: bool):
        self.crew, self.layout, self._at_once = crew, layout, at_once
        self._regions = Regions(crew, layout, [shards if at_once else 2] * crew.comm.size)

    def between(self, count: float) -> None:
        """Puts the sum over all nodes in the place of the node's, each rank a part: whole on the node behind a
        barrier. `count`: what it is divided by afterwards. Collective."""
        raise NotImplementedError

    def assign(self, assignments: Sequence[Sequence[int]]) -> None:
        crew = self.crew
        self._places = {shard: i if self._at_once else min(i, 1) for i, shard in enumerate(assignments[crew.comm.rank])}
        sums = [self._regions.flat(place, 0) for place, rank in enumerate(crew.mates) if assignments[rank]]
        self._has_shards = bool(sums)
        self.total, *self._others = sums or [self._regions.flat(0, 0)]

    def buffer(self, shard: int) -> Vector:
        return self._regions.own[self._places[shard]]

    def add(self, shard: int) -> None:
        if self._places[shard]:
            first = self._regions.own[0].flat
            np.add(first, self.buffer(shard).flat, out=first)

    def combine(self, count: float) -> None:
        if len(self.crew.nodes) > 1:
            self.between(count)
            self.crew.comm.barrier()

    def sums(self, part: slice) -> list[Callable[[], object]]:
        return [partial(self.of_node, part)] if len(self.crew.nodes) == 1 else []

    def of_node(self, part: slice) -> np.ndarray:
        """The node's sum there: zeros where none of its ranks has shards."""
        if not self._has_shards:
            self.total[part] = 0
        for other in self._others:
            np.add(self.total[part], other[part], out=self.total[part])
        return self.total[part]
