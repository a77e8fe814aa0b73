"""Sums of a few numbers over ranks that share memory, without a message: a vote is no more than a look at each other's.

1. Each rank writes its numbers down in a row of its own, then the number of the round; who reads that all others are as
   far adds the rows, in the order of ranks.
2. Rows are written in turn to one of two halves: nobody is more than a round ahead, so what is read is not written over.
3. What a processor writes must be seen by others in that order (`is_supported`).
4. Who waits long lets others have the core, and looks for the dead.
"""

import os
import platform
import time
from collections.abc import Callable, Sequence

import numpy as np

WIDTH = 4096  # numbers in a sum, at most
LINE = 8  # numbers in a line of the cache
SIZE_BYTES = (LINE + 2 * WIDTH) * 8  # of a rank's part
PATIENCE_S = 0.001  # after which the time that a nap takes, a tenth of it, does not matter
NAP_S = 20e-6


class Table:
    """`parts`: SIZE_BYTES each of zeros that all ranks share, in rank order, as float64; `place`: this rank's."""

    def __init__(self, parts: Sequence[np.ndarray], place: int):
        self._place, self._round = place, 0
        rounds = [memoryview(part[:1].view(np.int64)) for part in parts]
        self._own, self._others = rounds[place], rounds[:place] + rounds[place + 1:]
        self._halves = [[part[LINE + half * WIDTH:][:WIDTH] for part in parts] for half in (0, 1)]
        self._rows: dict[tuple[int, int], list[np.ndarray]] = {}

    def takes(self, array: np.ndarray) -> bool:
        return array.ndim == 1 and array.size <= WIDTH and array.dtype == np.float64

    def sum(self, array: np.ndarray, look: Callable[[], object]) -> None:
        """Replaces `array` by its sum over ranks. `look()` raises when one of them has died."""
        self._round = number = self._round + 1
        rows = self._rows.get((number & 1, array.size)) or self._cut(number & 1, array.size)
        rows[self._place][...] = array
        self._own[0] = number
        for theirs in self._others:
            if theirs[0] < number:
                _wait(theirs, number, look)
        np.add(rows[0], rows[1], array)
        for row in rows[2:]:
            np.add(array, row, array)

    def _cut(self, half: int, size: int) -> list[np.ndarray]:
        rows = self._rows[half, size] = [row[:size] for row in self._halves[half]]
        return rows


def is_supported() -> bool:
    """Processors of this kind show what they write in the order in which they have written it."""
    return platform.machine().lower() in ("x86_64", "amd64")


def _wait(theirs: memoryview, number: int, look: Callable[[], object]) -> None:
    until = time.perf_counter() + PATIENCE_S
    while theirs[0] < number:
        if time.perf_counter() < until:
            os.sched_yield()
        else:
            time.sleep(NAP_S)  # this program's other threads go on, too
            look()
