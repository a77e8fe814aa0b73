"""Whether ranks that ended before their job was done are started again: the rule of `bptrain run` and of the
coordinator.

What the ranks themselves give as the end is the end. Without an end record they were cut off (mpirun, a host
or all ranks died): the nodes' memory or the newest checkpoint has what they did, and they go on from there.
"""

BARREN = 3  # starts in a row without a step: it is not bad luck


class Restarts:
    """`limit`: restarts in all."""

    def __init__(self, limit: int):
        self._limit, self._count, self._barren, self._steps = limit, 0, 0, 0

    def again(self, steps: int) -> bool:
        """Whether to start again, when `steps` steps were done at the end."""
        self._barren = 0 if steps > self._steps else self._barren + 1
        self._steps = max(steps, self._steps)
        self._count += 1
        return self._count <= self._limit and self._barren < BARREN
