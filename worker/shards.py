"""Who computes which samples: pure arithmetic, the same on every rank and in the coordinator.

1. A position in the training is one integer, the step; epoch and place in the epoch follow from it.
2. A global batch is cut into logical shards by their number alone; ranks come later, and change nothing.
3. Nothing is padded, dropped or repeated: the shards of an epoch hold every sample exactly once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from bpcore import rng


@dataclass(frozen=True)
class Schedule:
    """Which samples belong to which step. `samples`: in the training set; `batch_size`: global."""

    samples: int
    batch_size: int
    epochs: int
    seed: int

    @cached_property
    def steps_per_epoch(self) -> int:
        return -(-self.samples // self.batch_size)

    @cached_property
    def total_steps(self) -> int:
        return self.epochs * self.steps_per_epoch

    def epoch(self, step: int) -> int:
        return step // self.steps_per_epoch

    def begins_epoch(self, step: int) -> bool:
        return step % self.steps_per_epoch == 0

    def ends_epoch(self, step: int) -> bool:
        return (step + 1) % self.steps_per_epoch == 0

    def order(self, epoch: int) -> np.ndarray:
        """All sample indices in the order of this epoch; int64 (samples,), not to be written."""
        return _order(self.samples, self.seed, epoch)

    def batch(self, step: int) -> slice:
        """The step's place in its epoch's order; the last batch of an epoch may be smaller."""
        start = (step % self.steps_per_epoch) * self.batch_size
        return slice(start, min(start + self.batch_size, self.samples))


@lru_cache(2)  # this epoch's, and the next one's where it is read ahead
def _order(samples: int, seed: int, epoch: int) -> np.ndarray:
    order = rng.permutation(samples, seed, rng.ORDER, epoch)
    order.setflags(write=False)
    return order


def cut(batch: slice, shards: int) -> list[slice]:
    """A batch in `shards` consecutive parts whose sizes differ by at most one; the larger come first."""
    return [part(batch, shards, shard) for shard in range(shards)]


def part(batch: slice, shards: int, shard: int) -> slice:
    """One of them."""
    size, larger = divmod(batch.stop - batch.start, shards)
    start = batch.start + shard * size + min(shard, larger)
    return slice(start, start + size + (shard < larger))


def assign(shards: int, ranks: int) -> list[Sequence[int]]:
    """Consecutive shards for each rank, as evenly as they go."""
    return [range(part.start, part.stop) for part in cut(slice(0, shards), ranks)]
