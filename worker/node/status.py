"""What each rank of a node is doing, in the node's shared memory: the keeper looks for those that are late.

A rank is late when it has been computing, or stopped, for longer than the deadline, which follows from
measured step times; one that waits for others is not.
"""

import os
import time
from dataclasses import dataclass

import numpy as np

from worker.node import keeper
from worker.node.memory import Segment

PID, RANK, CALLS, WAITS, SINCE, LATE = range(6)
TIMES_SLOWEST = 30  # the deadline, in slowest steps
MEMORY_STEPS = 64  # how many steps a slow one counts


@dataclass(frozen=True)
class Late:
    """`calls`: collective calls that the rank had made; `seconds`: since the last one."""

    rank: int
    pid: int
    step: int
    calls: int
    seconds: float

    @property
    def sentence(self) -> str:
        return f"was ended: {self.seconds:.1f} s late in step {self.step}, after collective call {self.calls}"


class Status:
    """This rank's row (a comm.Watch), and the deadline of all."""

    def __init__(self, segment: Segment, floor_s: float):
        self._rows = segment.array(keeper.ROWS_BYTE, keeper.ROWS * 8, np.int64).reshape(keeper.ROWS, 8)
        self._deadline = memoryview(segment.array(keeper.DEADLINE_BYTE, 1, np.float64))
        self._floor_s, self._slowest_s, self._votes = floor_s, 0.0, 0
        self._calls = 0
        self._marks = self._times = memoryview(np.zeros(8))

    def take(self, place: int, rank: int) -> None:
        """Takes the row of that place on the node. More ranks a node than rows are not watched."""
        row = self._rows[place] if place < keeper.ROWS else np.zeros(8, np.int64)
        row[...] = 0
        # Marks are set several times a step, which views of Python's own do fastest.
        self._marks, self._times, self._calls = memoryview(row), memoryview(row.view(np.float64)), 0
        self.goes_on()
        self._marks[RANK], self._marks[PID] = rank, os.getpid()

    def waits(self) -> None:
        self._calls += 1
        self._marks[CALLS] = self._calls
        self._marks[WAITS] = 1

    def goes_on(self) -> None:
        self._times[SINCE] = time.monotonic()
        self._marks[WAITS] = 0

    def passes(self) -> None:
        self._calls += 1
        self._marks[CALLS] = self._calls
        self._times[SINCE] = time.monotonic()

    def measured(self, slowest_s: float) -> None:
        """Behind a step: what the slowest rank took to compute."""
        self._votes += 1
        self._slowest_s = max(slowest_s, self._slowest_s * (1 - 1 / MEMORY_STEPS))
        if self._votes >= 3:  # the first steps may compile and read
            self._deadline[0] = max(self._floor_s, TIMES_SLOWEST * self._slowest_s)

    def rest(self) -> None:
        """No deadline until measured again: ranks have come or gone."""
        self._votes, self._deadline[0] = 0, 0.0

    def late(self, step: int) -> list[Late]:
        """The ranks of this node that were ended for being late, in the step that all are in."""
        times = self._rows.view(np.float64)
        return [Late(int(row[RANK]), int(row[PID]), step, int(row[CALLS]), float(time[LATE]))
                for row, time in zip(self._rows, times) if time[LATE] > 0]
