"""exact: the same bits on any number of ranks.

1. Shards are summed in the fixed tree of tree.py, by whichever rank has both halves first.
2. While computing, a rank adds up each subtree as soon as it is whole, so it keeps at most one gradient
   for each level of the tree.
3. Between ranks: every rank owns a slice of the flat vector and receives that slice of all subtrees
   (all-to-all), adds them in the tree's order, and sends the sum to all (all-gather). That moves
   2 (K−1)/K of a gradient a rank when each rank holds one subtree: as little as a ring all-reduce.
"""

from collections.abc import Sequence

import numpy as np

from bpcore.arena import Layout, Vector
from worker.comm import Comm
from worker.exchange import Exchange
from worker.exchange.tree import Node, children, cover, reduce


class Exact(Exchange):
    def __init__(self, comm: Comm, layout: Layout, shards: int, assignments: Sequence[Sequence[int]]):
        self.comm, self.layout, self.root = comm, layout, (0, shards)
        self.free: list[Vector] = []
        self.held: list[tuple[Node, Vector]] = []
        self.assign(assignments)

    def assign(self, assignments: Sequence[Sequence[int]]) -> None:
        size, ranks = self.layout.size, self.comm.size
        self.covers = [cover(self.root, shards) for shards in assignments]
        bounds = [size * i // ranks for i in range(ranks + 1)]
        self.slices = [slice(low, high) for low, high in zip(bounds, bounds[1:])]
        self.own = bounds[self.comm.rank + 1] - bounds[self.comm.rank]

    def buffer(self) -> Vector:
        return self.free.pop() if self.free else self.layout.zeros()

    def add(self, shard: int, gradient: Vector) -> None:
        self.held.append(((shard, shard + 1), gradient))
        while len(self.held) > 1 and self._siblings(self.held[-2][0], self.held[-1][0]):
            (left, total), (right, part) = self.held[-2:]
            total.flat += part.flat
            self.held[-2:] = [((left[0], right[1]), total)]
            self.free.append(part)

    def _siblings(self, left: Node, right: Node) -> bool:
        """Whether both are the two children of one node of the tree."""
        node = self.root
        while node[1] - node[0] > 1:
            halves = children(node)
            if halves == (left, right):
                return True
            node = halves[0] if left[0] < halves[0][1] else halves[1]
        return False

    def finish(self) -> Vector:
        held, self.held = self.held, []
        self.free += [vector for _, vector in held]
        if self.comm.size == 1:
            return held[0][1]
        parts = [vector.flat[part] for part in self.slices for _, vector in held]
        send = np.concatenate(parts) if parts else np.empty(0, np.float32)
        received = self.comm.alltoall(send, [len(held) * (part.stop - part.start) for part in self.slices],
                                      [len(nodes) * self.own for nodes in self.covers])
        nodes = [node for nodes in self.covers for node in nodes]
        values = dict(zip(nodes, received.reshape(len(nodes), self.own)))
        total = reduce(self.root, values, lambda left, right: np.add(left, right, out=left))
        result = held[0][1] if held else self.buffer()
        self.comm.allgather(total, result.flat, [part.stop - part.start for part in self.slices])
        return result
