"""The gradients of a node: each rank's in a segment of its own, which its mates can read and write."""

from collections.abc import Sequence

import numpy as np

from bpcore.arena import Layout, Vector
from worker.crew import Crew


class Regions:
    """`own[i]`: this rank's i-th vector."""

    def __init__(self, crew: Crew, layout: Layout, counts: Sequence[int]):
        """`counts`: vectors of each rank. Collective. Raises Agreed."""
        comm, self._size = crew.comm, layout.size
        self._segments = crew.segments(counts[comm.rank] * layout.size * 4)
        self.own = [Vector(layout, self.flat(crew.place, i)) for i in range(counts[comm.rank])]

    def flat(self, place: int, i: int) -> np.ndarray:
        """The i-th vector of this rank's mate at `place`."""
        return self._segments[place].array(i * self._size * 4, self._size, np.float32)

