"""The samples of the next steps, read in a thread while this step is computed; the next epoch's order with them.

1. Only data that lies on disk is read ahead, and only while reading takes long, as measured: pictures that are decoded, files that
   the system does not hold. Else a thread costs more than it gives: there is nothing to wait for, and it takes turns with the step.
2. Never more than AHEAD steps are held. What was not foreseen (other shards, a step computed again) is read at once.
3. What the thread raises is raised in the step that needs it, for a sample that cannot be had to who asks for that one.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from time import perf_counter

import numpy as np

from bpcore.fields import Batch
from worker.datasets import Arrays, Dataset
from worker.errors import BadSample
from worker.shards import Schedule, cut

AHEAD = 2
LAID_BYTES = 16 << 20  # of data that is held twice for it
LEAST_S = 0.0005  # that reading a shard's samples takes; about what handing them over costs
FADES = 4  # reads after which one that took long counts for a third
Part = tuple[np.ndarray, Batch | BadSample]  # indices of a shard, and their samples


class Cost:
    """What reading a shard's samples takes, of late."""

    _mean_s = 0.0

    def read(self, data: Dataset, indices: np.ndarray) -> Batch:
        began = perf_counter()
        try:
            return data.read(indices)
        finally:
            self._mean_s += (perf_counter() - began - self._mean_s) / FADES

    def found(self, data: Dataset, indices: np.ndarray) -> Batch | BadSample:
        try:
            return self.read(data, indices)
        except BadSample as error:
            return error

    @property
    def is_high(self) -> bool:
        return self._mean_s >= LEAST_S


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

    def part(self, order: np.ndarray, place: slice) -> Batch:
        """The samples at that place of an epoch's order."""
        return self.read(order[place])

    def of_epoch(self, epoch: int) -> "Input":
        """Itself, set to read what the samples are in this epoch."""
        self._now = of_epoch(self._data, epoch)
        return self

    def expect(self, step: int, mine: Sequence[int]) -> None:
        """This rank is about to read its shards of this step, and then of the next ones."""


class Laid(Input):
    """Few samples in memory: a step's are not gathered in the step, all are laid side by side once an epoch."""

    def __init__(self, data: Dataset):
        super().__init__(data)
        self._order, self._laid = np.empty(0, np.int64), {}

    def part(self, order, place):
        if order is not self._order:
            self._order, self._laid = order, self._data.read(order)
        return {name: array[place] for name, array in self._laid.items()}


class Ahead(Input):
    def __init__(self, data: Dataset, schedule: Schedule, shards: int):
        super().__init__(data)
        self._schedule, self._shards, self._cost = schedule, shards, Cost()
        self._pool = ThreadPoolExecutor(1, "reading")  # it ends with this object
        self._mine: list[int] = []
        self._steps: dict[int, Future[list[Part]]] = {}
        self._step = self._none = Future()  # this one's
        self._none.set_result([])

    def read(self, indices):
        for foreseen, batch in self._step.result():
            if np.array_equal(foreseen, indices):
                if isinstance(batch, BadSample):
                    raise batch
                return batch
        return self._cost.read(self._now, indices)

    def expect(self, step, mine):
        """Returns at once: who reads waits."""
        if self._mine != list(mine) or step not in self._steps:
            self._forget()
            self._mine = list(mine)
        for each in range(step, min(step + 1 + AHEAD, self._schedule.total_steps) if self._cost.is_high else step):
            if each not in self._steps:
                self._steps[each] = self._pool.submit(self._fetch, each, self._mine)
        self._step = self._steps.pop(step, self._none)

    def _forget(self) -> None:
        for future in self._steps.values():
            future.cancel()
        self._steps.clear()

    def _fetch(self, step: int, mine: Sequence[int]) -> list[Part]:
        epoch = self._schedule.epoch(step)
        order, parts, data = self._schedule.order(epoch), cut(self._schedule.batch(step), self._shards), of_epoch(self._data, epoch)
        return [(order[parts[shard]], self._cost.found(data, order[parts[shard]])) for shard in mine]


def in_turn(data: Dataset, steps: Iterable[Sequence[slice]]) -> Iterator[list[Batch | BadSample]]:
    """The samples of each step's parts, step after step; what cannot be had is the error. Read ahead in the same way."""
    steps, cost, pool, waiting = iter(steps), Cost(), ThreadPoolExecutor(1, "reading"), deque()

    def fetch(parts: Sequence[slice]) -> list[Batch | BadSample]:
        return [cost.found(data, np.arange(part.start, part.stop)) for part in parts]

    try:
        while True:
            wanted = 1 + AHEAD if data.is_on_disk and cost.is_high else 0
            waiting.extend(pool.submit(fetch, parts) for parts in islice(steps, max(0, wanted - len(waiting))))
            if waiting:
                yield waiting.popleft().result()
            elif (parts := next(steps, None)) is not None:
                yield fetch(parts)
            else:
                return
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def of_epoch(data: Dataset, epoch: int) -> Dataset:
    """The data as it is in this epoch, where it differs from one to the next."""
    return data.of_epoch(epoch) if hasattr(data, "of_epoch") else data


def opened(data: Dataset, schedule: Schedule, shards: int) -> Input:
    if data.is_on_disk:
        return Ahead(data, schedule, shards)
    return Laid(data) if isinstance(data, Arrays) and data.size_bytes <= LAID_BYTES else Input(data)
