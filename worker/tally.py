"""Proof that an epoch used every sample once: what each step used is counted, and told from what it should have.

1. Every sample has a key in every epoch, a random number below 2^32 that (seed, epoch, sample) decide. The tally of
   some samples is their number and the sum of their keys modulo 2^32.
2. A rank counts the samples that it hands to the model, the vote adds them up exactly, the commit adds them to the
   epoch's tally: so a step that was cut short and computed again counts once.
3. A sample left out, or one used in another's place, goes unnoticed once in 2^32.
"""

import numpy as np

from bpcore import rng
from worker.shards import Schedule

MODULUS = 1 << 32
NONE = (0, 0)

Tally = tuple[int, int]  # how many samples; the sum of their keys


class Epoch:
    """The samples of one epoch in their order, and sums of their keys, made once."""

    def __init__(self, schedule: Schedule, number: int):
        self.number = number
        self.order = schedule.order(number)
        sums = np.zeros(schedule.samples + 1, np.int64)  # exact below 2^31 samples
        np.cumsum(_keys(schedule, number)[self.order], out=sums[1:])
        self._sums = memoryview(sums)  # gives Python's integers

    def tally(self, part: slice) -> Tally:
        """Of a part of the order."""
        return part.stop - part.start, (self._sums[part.stop] - self._sums[part.start]) % MODULUS


def added(one: Tally, other: Tally) -> Tally:
    return one[0] + other[0], (one[1] + other[1]) % MODULUS


def expected(schedule: Schedule, epoch: int) -> Tally:
    """Of all samples, whatever their order."""
    return schedule.samples, int(_keys(schedule, epoch).sum(dtype=np.int64)) % MODULUS


def sentence(epoch: int, used: Tally, expected: Tally) -> str:
    """What is wrong, where they differ."""
    if used[0] != expected[0]:
        what = f"{used[0]:,} samples instead of {expected[0]:,}"
    else:
        what = f"{used[0]:,} samples, but not each of them once (checksum {used[1]:08x} instead of {expected[1]:08x})"
    return f"epoch {epoch + 1} used {what}: please report this, and start again from an earlier checkpoint"


def _keys(schedule: Schedule, epoch: int) -> np.ndarray:
    """One for each sample; int64."""
    words = rng.bits(schedule.seed, rng.TALLY, epoch).random_raw(schedule.samples)
    return (words >> np.uint64(32)).astype(np.int64)
