"""The samples of the next steps, read in a thread while this step is computed; the next epoch's order with them.

1. Only data that lies on disk is read ahead, and only where a step needs much of it. Else a thread costs more than it
   gives: there is nothing to wait for, and it takes turns with the step.
2. Never more than AHEAD steps are held. What was not foreseen (other shards, a step computed again) is read at once.
3. What the thread raises is raised in the step that needs it.
"""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from math import prod

import numpy as np

from bpcore.fields import Batch
from worker.datasets import Dataset
from worker.shards import Schedule, cut

AHEAD = 2
LEAST_BYTES = 1 << 18  # of a step's samples


class Input:
    """The data itself."""

    def __init__(self, data: Dataset):
        self._data, self.fields, self.is_on_disk, self.learned = data, data.fields, data.is_on_disk, data.learned
        self._now = data
        self.may_skip = hasattr(data, "skipped")

    def __len__(self) -> int:
        return len(self._data)

    def read(self, indices: np.ndarray) -> Batch:
        return self._now.read(indices)

    def of_epoch(self, epoch: int) -> "Input":
        """Itself, set to read what the samples are in this epoch."""
        self._now = of_epoch(self._data, epoch)
        return self

    def expect(self, step: int, mine: Sequence[int]) -> None:
        """This rank is about to read its shards of this step, and then of the next ones."""


class Ahead(Input):
    def __init__(self, data: Dataset, schedule: Schedule, shards: int):
        super().__init__(data)
        self._schedule, self._shards = schedule, shards
        self._pool = ThreadPoolExecutor(1, "reading")  # it ends with this object
        self._mine: list[int] = []
        self._steps: dict[int, Future[list[tuple[np.ndarray, Batch]]]] = {}
        self._step: Future[list[tuple[np.ndarray, Batch]]] = Future()  # this one's
        self._step.set_result([])

    def read(self, indices):
        for foreseen, batch in self._step.result():
            if np.array_equal(foreseen, indices):
                return batch
        return super().read(indices)

    def expect(self, step, mine):
        """Returns at once: who reads waits."""
        if self._mine != list(mine) or step not in self._steps:
            self._forget()
            self._mine = list(mine)
        for each in range(step, min(step + 1 + AHEAD, self._schedule.total_steps)):
            if each not in self._steps:
                self._steps[each] = self._pool.submit(self._fetch, each, self._mine)
        self._step = self._steps.pop(step)

    def _forget(self) -> None:
        for future in self._steps.values():
            future.cancel()
        self._steps.clear()

    def _fetch(self, step: int, mine: Sequence[int]) -> list[tuple[np.ndarray, Batch]]:
        epoch = self._schedule.epoch(step)
        order, parts, data = self._schedule.order(epoch), cut(self._schedule.batch(step), self._shards), of_epoch(self._data, epoch)
        return [(order[parts[shard]], data.read(order[parts[shard]])) for shard in mine]


def of_epoch(data: Dataset, epoch: int) -> Dataset:
    """The data as it is in this epoch, where it differs from one to the next."""
    return data.of_epoch(epoch) if hasattr(data, "of_epoch") else data


def opened(data: Dataset, schedule: Schedule, shards: int) -> Input:
    step_bytes = schedule.batch_size * 4 * sum(prod(field.shape) for field in data.fields.values())
    return Ahead(data, schedule, shards) if data.is_on_disk and step_bytes >= LEAST_BYTES else Input(data)
