"""Sums of a few numbers over ranks that share memory, without a message: a vote is no more than a look at each other's.

1. Each rank writes its numbers down in a row of its own, then the number of the round; who reads that all others are as
   far adds the rows, in the order of ranks (bpcore/kernels/rounds.py).
2. Two rows take turns: nobody is more than a round ahead, so what is read is not written over.
3. Who waits long lets others have the core, and looks for the dead.
"""

import os
import time
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from bpcore import kernels
from worker.comm.watch import Watch

WIDTH = 4096  # numbers in a sum, at most
SIZE_BYTES = kernels.rounds.HEAD_BYTES + 2 * WIDTH * 8  # of a part
PATIENCE_S = 0.001  # after which the time that a nap takes, a tenth of it, does not matter
NAP_S = 20e-6


class Table:
    """`parts`: SIZE_BYTES each of zeros that all ranks share, in rank order, as float64; `place`: this rank's."""

    def __init__(self, parts: Sequence[np.ndarray], place: int):
        self._parts = parts  # whose memory the addresses stand for
        self._rounds, state = [memoryview(part[:1].view(np.int64)) for part in parts], np.zeros(2, np.int64)
        self._state = memoryview(state)
        self._seat = np.array([part.ctypes.data for part in parts], np.int64), place, WIDTH, state
        self._add = kernels.rounds.add.bound(kernels.compiled.ANY)

    def takes(self, array: np.ndarray) -> bool:
        return array.ndim == 1 and array.size <= WIDTH and array.dtype.char == "d" and array.flags.c_contiguous

    def sum(self, array: np.ndarray, look: Callable[[], object], watch: Watch) -> None:
        """Replaces `array` by its sum over ranks. `look()` raises when one of them has died."""
        call = partial(self._add, array, *self._seat)
        call()
        self.settle(call, look, watch)

    def summing(self, array: np.ndarray) -> Callable[[], object]:
        """The call for this array; `settle` behind it."""
        return kernels.rounds.add.bound(kernels.compiled.ANY, array, *self._seat)

    def settle(self, again: Callable[[], object], look: Callable[[], object], watch: Watch) -> None:
        """Where somebody was late, waits for all and makes the call again."""
        if not self._state[1]:
            watch.passes()
            return
        watch.waits()
        for written in self._rounds:
            _wait(written, self._state[0], look)
        again()
        watch.goes_on()


def _wait(written: memoryview, number: int, look: Callable[[], object]) -> None:
    until = time.perf_counter() + PATIENCE_S
    while written[0] < number:
        if time.perf_counter() < until:
            os.sched_yield()
        else:
            time.sleep(NAP_S)  # this program's other threads go on, too
            look()
