"""The gradients of a node: each rank's in a segment of its own, which its mates can read and write."""

from collections.abc import Sequence

import numpy as np

from bpcore.arena import Layout, Vector
from worker.agree import together
from worker.crew import Crew
from worker.errors import Unavailable
from worker.memory import Segment


class Regions:
    """`own[i]`: this rank's i-th vector."""

    def __init__(self, crew: Crew, layout: Layout, counts: Sequence[int]):
        """`counts`: vectors of each rank. Collective. Raises Agreed."""
        comm, self._size = crew.comm, layout.size
        own = together(comm, lambda: _new(counts[comm.rank] * layout.size * 4))
        descriptors = [int(data) for data in comm.gather_all(str(own.descriptor).encode())]
        self._segments = together(comm, lambda: [own if rank == comm.rank else _open(crew.pids[rank], descriptors[rank], rank)
                                                 for rank in crew.mates])
        for segment in self._segments:
            segment.close()
        self.own = [Vector(layout, self.flat(crew.place, i)) for i in range(counts[comm.rank])]

    def flat(self, place: int, i: int) -> np.ndarray:
        """The i-th vector of this rank's mate at `place`."""
        return self._segments[place].array(i * self._size * 4, self._size, np.float32)


def _new(size_bytes: int) -> Segment:
    try:
        return Segment.new(size_bytes)
    except OSError as error:
        raise Unavailable(f"{size_bytes:,} bytes of memory for gradients cannot be had: {error.strerror}") from None


def _open(pid: int, descriptor: int, rank: int) -> Segment:
    try:
        return Segment.of_process(pid, descriptor)
    except OSError as error:
        raise Unavailable(f"the memory of rank {rank} cannot be opened ({error.strerror}); set shared_memory: false") from None
