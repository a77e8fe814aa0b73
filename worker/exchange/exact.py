"""exact: the same bits on any number of ranks.

1. Shards are summed in the fixed tree of tree.py, by whoever has both halves first: a rank while it
   computes, then the ranks of a node, then the nodes.
2. Within a node nothing is copied: a rank adds its part of its mates' gradients where they lie.
3. Between nodes the owner of a slice (slices.py) adds all nodes' subtrees in the tree's order.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bpcore import kernels
from bpcore.arena import Layout, Vector
from worker.crew import Crew
from worker.exchange import Exchange, Reduction
from worker.node.regions import Regions
from worker.reduction.slices import Slices
from worker.reduction.tree import additions, cover, recipe, reduce


@dataclass(frozen=True)
class Exact(Reduction):
    def open(self, crew, layout, shards, at_once):
        return Tree(crew, layout, shards, at_once)


class Tree(Exchange):
    """`at_once`: the shards of a rank are computed side by side, each in a buffer of its own."""

    def __init__(self, crew: Crew, layout: Layout, shards: int, at_once: bool = False):
        self.crew, self.layout, self.shards, self._at_once = crew, layout, shards, at_once
        # Enough for any shards a rank may get, so that they can change hands without new memory.
        most = shards if at_once else min(shards, 2 * shards.bit_length())
        self._total = most  # behind a leader's gradients: the node's sum, where there are several nodes
        self._regions = Regions(crew, layout, [most + 1] * crew.comm.size)

    def assign(self, assignments: Sequence[Sequence[int]]) -> None:
        crew, root = self.crew, (0, self.shards)
        recipes = [recipe(root, shards, self._at_once) for shards in assignments]
        self._recipe = recipes[crew.comm.rank]
        values = {node: (place, i) for place, rank in enumerate(crew.mates) for node, i in recipes[rank].left.items()}
        self._covers = [cover(root, {shard for rank in node for shard in assignments[rank]}) for node in crew.nodes]
        mine = self._covers[crew.nodes.index(crew.mates)]
        self._sums = []  # of this node's largest subtrees: (what is added, where the sum then is)
        for node in mine:
            pairs, at = additions(node, values)
            self._sums.append(([(self._regions.flat(*into), self._regions.flat(*part)) for into, part in pairs], self._regions.flat(*at)))
        self._slices = Slices(crew, [len(cover) for cover in self._covers])
        self.total = self._sums[0][1] if len(crew.nodes) == 1 else self._regions.flat(0, self._total)

    def buffer(self, shard: int) -> Vector:
        return self._regions.own[self._recipe.buffer[shard]]

    def add(self, shard: int) -> None:
        for into, part in self._recipe.merges[shard]:
            total = self._regions.own[into].flat
            np.add(total, self._regions.own[part].flat, out=total)

    def combine(self, count):
        if len(self.crew.nodes) == 1:
            return
        self._slices.combine(self.layout.size, self._bring, self._add_up, self.total)
        self.crew.comm.barrier()  # the node's sum is whole

    def sums(self, part):
        pairs = self._sums[0][0] if len(self.crew.nodes) == 1 else []
        return [kernels.sums.add.bound(into.dtype, into[part], other[part]) for into, other in pairs]

    def _bring(self, part: slice) -> list[np.ndarray]:
        """A part of the sums of this node's largest subtrees."""
        for pairs, _ in self._sums:
            for into, other in pairs:
                np.add(into[part], other[part], out=into[part])
        return [flat[part] for _, flat in self._sums]

    def _add_up(self, brought: Sequence[Sequence[np.ndarray]]) -> np.ndarray:
        """All nodes' subtrees in the tree's order."""
        values = {node: value for cover, values in zip(self._covers, brought) for node, value in zip(cover, values)}
        return reduce((0, self.shards), values, lambda left, right: np.add(left, right, out=left))
