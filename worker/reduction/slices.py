"""Sums between nodes: every rank owns a slice of the flat vector, receives that slice of what all nodes bring, adds
it up, and sends the sum to every node.

1. Two all-to-alls move 2 (N−1)/N of a vector a node when each node brings one: as little as a ring all-reduce.
2. A node's messages are shared out among its ranks: each owner is served by one of them, which sends the node's
   numbers and writes the sum. So the sum may take the place of what was brought.
3. It goes by windows, so that neither messages nor their counts grow with the model.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain, pairwise

import numpy as np

from worker.comm import Comm
from worker.crew import Crew
from worker.reduction.wire import Float32, Wire

WINDOW = 1 << 22  # numbers sent at a time: 16 MiB

# part → what this node brings of it, some arrays.
Bring = Callable[[slice], Sequence[np.ndarray]]
# What each node brings → the sum of it all.
Add = Callable[[Sequence[Sequence[np.ndarray]]], np.ndarray]


class Slices:
    """`counts[n]`: how many vectors node n brings."""

    def __init__(self, crew: Crew, counts: Sequence[int], wire: Wire = Float32()):
        self._comm, self._wire, self._counts = crew.comm, wire, counts
        self._serves = [server(crew.mates, owner) == crew.comm.rank for owner in range(crew.comm.size)]
        self._servers = [server(node, crew.comm.rank) for node in crew.nodes]

    def combine(self, size: int, bring: Bring, add: Add, total: np.ndarray) -> None:
        """Writes the sum into `total`, each rank what it serves: whole on the node behind a barrier. Collective."""
        for window in windows(size):
            self._combine(cut(window, self._comm.size), bring, add, total)

    def _combine(self, slices: Sequence[slice], bring: Bring, add: Add, total: np.ndarray) -> None:
        """`slices`: the owners', of one window."""
        comm, wire = self._comm, self._wire
        numbers = [part.stop - part.start for part in slices]
        mine, length = numbers[comm.rank], wire.length(numbers[comm.rank])
        coming = dict(zip(self._servers, self._counts))
        came = swap(comm, wire.dtype, [[wire.encode(values) for values in bring(part)] if serves else [] for part, serves in zip(slices, self._serves)],
                    [[length] * coming.get(rank, 0) for rank in range(comm.size)])
        message = wire.encode(add([[wire.decode(values, mine) for values in came[rank]] for rank in self._servers]))
        came = swap(comm, wire.dtype, [[message] if rank in coming else [] for rank in range(comm.size)],
                    [[wire.length(count)] if serves else [] for count, serves in zip(numbers, self._serves)])
        for part, count, messages in zip(slices, numbers, came):
            for values in messages:
                total[part] = wire.decode(values, count)


def server(node: Sequence[int], owner: int) -> int:
    """The rank of a node that talks to the owner of a slice."""
    return node[owner % len(node)]


def swap(comm: Comm, dtype: type, send: Sequence[Sequence[np.ndarray]], lengths: Sequence[Sequence[int]]) -> list[list[np.ndarray]]:
    """Sends the arrays send[r] to rank r; what comes from each rank, where lengths[r] are those of rank r's. Collective."""
    received = np.empty(sum(map(sum, lengths)), dtype)
    comm.alltoall(np.concatenate([np.empty(0, dtype), *chain(*send)]), [sum(map(len, arrays)) for arrays in send],
                  received, [sum(each) for each in lengths])
    parts = iter(np.split(received, np.cumsum([0, *chain(*lengths)]))[1:])
    return [[next(parts) for _ in each] for each in lengths]


def windows(size: int) -> Iterator[slice]:
    for start in range(0, size, WINDOW):
        yield slice(start, min(start + WINDOW, size))


def cut(whole: slice, count: int) -> list[slice]:
    """`whole` in so many parts, as evenly as it goes."""
    bounds = [whole.start + (whole.stop - whole.start) * i // count for i in range(count + 1)]
    return [slice(*pair) for pair in pairwise(bounds)]
