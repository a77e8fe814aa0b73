"""exact: the same bits on any number of ranks.

1. Shards are summed in the fixed tree of tree.py, by whoever has both halves first: a rank while it
   computes, then the ranks of a node, then the nodes.
2. Within a node nothing is copied: a rank adds its part of its mates' gradients where they lie.
3. Between nodes every rank owns a slice of the flat vector and receives that slice of all nodes' sums
   (all-to-all), adds them in the tree's order, and sends the sum to every node (all-to-all): 2 (N−1)/N of a
   gradient a node when each holds one subtree, as little as a ring all-reduce. A node's messages are
   shared out among its ranks.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bpcore.arena import Layout, Vector
from worker.crew import Crew
from worker.exchange import Exchange, Reduction
from worker.regions import Regions
from worker.tree import additions, cover, recipe, reduce

WINDOW = 1 << 22  # numbers sent at a time: 16 MiB


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
        self.total = self._sums[0][1] if len(crew.nodes) == 1 else self._regions.flat(0, self._total)

    def buffer(self, shard: int) -> Vector:
        return self._regions.own[self._recipe.buffer[shard]]

    def add(self, shard: int) -> None:
        for into, part in self._recipe.merges[shard]:
            total = self._regions.own[into].flat
            np.add(total, self._regions.own[part].flat, out=total)

    def combine(self) -> None:
        if len(self.crew.nodes) == 1:
            return
        for start in range(0, self.layout.size, WINDOW):
            self._combine(start, min(start + WINDOW, self.layout.size))
        self.crew.comm.barrier()  # the node's sum is whole

    def sum(self, part: slice) -> None:
        if len(self.crew.nodes) == 1:
            _add(self._sums[0][0], part)

    def _combine(self, low: int, high: int) -> None:
        """One window of the vector: its slices to their owners and back."""
        comm = self.crew.comm
        slices = _slices(low, high, comm.size)
        lengths = [part.stop - part.start for part in slices]
        served = [rank for rank in range(comm.size) if self._is_served_by(rank, comm.rank)]
        for pairs, _ in self._sums:
            for rank in served:
                _add(pairs, slices[rank])
        send = [flat[slices[rank]] for rank in served for _, flat in self._sums]
        senders = {next(rank for rank in node if self._is_served_by(comm.rank, rank)): cover
                   for node, cover in zip(self.crew.nodes, self._covers)}
        mine = lengths[comm.rank]
        received = np.empty(mine * sum(map(len, senders.values())), np.float32)
        comm.alltoall(np.concatenate(send) if send else received[:0],
                      [len(self._sums) * length if rank in served else 0 for rank, length in enumerate(lengths)],
                      received, [len(senders.get(rank, ())) * mine for rank in range(comm.size)])
        nodes = [node for rank in sorted(senders) for node in senders[rank]]
        values = dict(zip(nodes, received.reshape(len(nodes), mine)))
        total = reduce((0, self.shards), values, lambda left, right: np.add(left, right, out=left))
        # The sum goes to whoever sent a part of it.
        comm.alltoall(np.tile(total, len(senders)), [mine if rank in senders else 0 for rank in range(comm.size)],
                      self.total, [lengths[rank] if rank in served else 0 for rank in range(comm.size)],
                      [part.start for part in slices])

    def _is_served_by(self, owner: int, rank: int) -> bool:
        """Whether `rank` is the one of its node that talks to the owner of a slice."""
        mates = next(node for node in self.crew.nodes if rank in node)
        return mates[owner % len(mates)] == rank


def _add(pairs: Sequence[tuple[np.ndarray, np.ndarray]], part: slice) -> None:
    for into, other in pairs:
        np.add(into[part], other[part], out=into[part])


def _slices(low: int, high: int, count: int) -> list[slice]:
    bounds = [low + (high - low) * i // count for i in range(count + 1)]
    return [slice(*pair) for pair in zip(bounds, bounds[1:])]
