"""Data behind its transforms.

1. What transforms learn, they learn once, when the first sample is asked for: so a job is checked without reading its data.
2. A sample of the training is a function of (seed, epoch, its index): `of_epoch` gives the data as one epoch has it.
   Read without an epoch, it is that of the first.
"""

from collections.abc import Iterator, Mapping, Sequence
from threading import Lock
from typing import Any

import numpy as np

from bpcore import rng
from bpcore.errors import InvalidInput
from bpcore.fields import Batch
from worker.data.reading import of_epoch
from worker.datasets import Dataset
from worker.transforms import Random, Sample, Transform

LEARNED = 1 << 16  # samples at most that transforms learn from
BLOCK = 256  # of them at a time


class Chain:
    """Transforms one after the other. `fields`: of what comes out. `learned`: by an earlier training, where there was one.
    Raises InvalidInput, the place in the list in front, unless each can be done to what the one before it gives."""

    def __init__(self, transforms: Sequence[Transform], data: Dataset, seed: int, learned: Sequence[Mapping[str, Any]] | None = None):
        self.transforms, self._data, self.seed = transforms, data, seed
        self._between, self.fields = [], dict(data.fields)
        for i, each in enumerate(transforms):
            self._between.append(self.fields)
            try:
                self.fields = each.after(self.fields)
            except InvalidInput as error:
                raise InvalidInput([problem.under(f"[{i}].{_name(each)}") for problem in error.problems]) from None
        self._learned, self._lock = learned, Lock()

    @property
    def learned(self) -> Sequence[Mapping[str, Any]]:
        """Of each transform, what it has learned."""
        with self._lock:
            self._learned = self._learned if self._learned is not None else self._learn()
            return self._learned

    def _learn(self) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        for i, each in enumerate(self.transforms):
            found.append(each.learn(lambda: self._batches(found), self._between[i]))
        return found

    def _batches(self, learned: Sequence[Mapping[str, Any]]) -> Iterator[Batch]:
        """The training data behind the transforms that have learned."""
        count = len(self._data)
        rows = np.arange(count) if count <= LEARNED else np.sort(rng.permutation(count, self.seed, rng.TRANSFORM)[:LEARNED])
        for start in range(0, len(rows), BLOCK):
            batch = self._data.read(rows[start:start + BLOCK])
            for each, known in zip(self.transforms, learned):
                batch = each.apply(batch, known)
            yield batch

    def applied(self, batch: Batch, first: int = 0, stop: int | None = None) -> Batch:
        """All that is not random, or a part of it."""
        for each, learned in list(zip(self.transforms, self.learned))[first:stop]:
            batch = each.apply(batch, learned)
        return batch


class Transformed:
    """A Dataset, held out or to be predicted: without the random transforms."""

    def __init__(self, data: Dataset, chain: Chain):
        self._data, self._chain = data, chain
        self.fields, self.is_on_disk, self.learned = chain.fields, data.is_on_disk, data.learned

    @property
    def skipped(self) -> int:
        return getattr(self._data, "skipped", 0)

    def __len__(self) -> int:
        return len(self._data)

    def read(self, indices):
        return self._chain.applied(self._data.read(indices))


class Varied(Transformed):
    """Training data."""

    def __init__(self, data: Dataset, chain: Chain, epoch: int = 0):
        super().__init__(data, chain)
        self._epoch = epoch

    def of_epoch(self, epoch: int) -> Dataset:
        return Varied(of_epoch(self._data, epoch), self._chain, epoch)

    def read(self, indices):
        batch, there = self._read(indices)
        for place, each in enumerate(self._chain.transforms):
            if isinstance(each, Random):
                batch = self._changed(place, each, batch, there)
            else:
                batch = each.apply(batch, self._chain.learned[place])
        return batch

    def _read(self, indices: np.ndarray) -> tuple[Batch, np.ndarray]:
        return what_is_there(self._data, indices)

    def _changed(self, place: int, transform: Random, batch: Batch, indices: np.ndarray) -> Batch:
        if not len(indices):
            return batch

        def other(part: float) -> Sample:
            count = len(self._data)
            found, _ = self._read(np.array([min(int(part * count), count - 1)]))
            found = found if _size(found) else self._data.read(indices[:1])
            return _row(self._chain.applied(found, stop=place), 0)

        samples = [transform.vary(_row(batch, row), rng.stream(self._chain.seed, rng.TRANSFORM, self._epoch, index, place + 1), other)
                   for row, index in enumerate(indices.tolist())]
        return {name: np.stack([sample[name] for sample in samples]) for name in batch}


def what_is_there(data: Dataset, indices: np.ndarray) -> tuple[Batch, np.ndarray]:
    """(the samples, their indices without those that were left out)."""
    batch = data.read(indices)
    if _size(batch) < len(indices):
        indices = np.array([i for i in indices if _size(data.read(np.array([i])))], np.int64)
    return batch, indices


def of_known(transforms: Sequence[Transform], learned: Sequence[Mapping[str, Any]], data: Dataset, seed: int) -> Chain:
    """What is done to data without answers: what is random, and what is done to fields that are not there, is left out."""
    kept, fields = [], dict(data.fields)
    for each, known in zip(transforms, learned):
        if not isinstance(each, Random) and each.field in fields:
            kept.append((each, known))
            fields = each.after(fields)
    return Chain([each for each, _ in kept], data, seed, [known for _, known in kept])


def _size(batch: Batch) -> int:
    return len(next(iter(batch.values())))


def _row(batch: Batch, row: int) -> Sample:
    return {name: array[row] for name, array in batch.items()}


def _name(transform: Transform) -> str:
    return type(transform).__module__.rpartition(".")[2]
