"""Sequences of numbers of unequal length, end to end in one file: as windows, or each padded to one length."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from bpcore.errors import InvalidInput, Problem, expected
from bpcore.fields import Field
from worker.sources.spool import spooled
from worker.sources.vocabulary import Vocabulary


class Windows:
    """A Dataset: x, y (length,), y being one further."""

    is_on_disk = True

    def __init__(self, sequences: Iterable[np.ndarray], length: int, vocabulary: Vocabulary):
        (self._numbers, _), self._length = spooled(sequences), length
        self.learned = {"vocabulary": vocabulary.learned}
        self.fields = {name: Field((length,), True, vocabulary.size, 0) for name in ("x", "y")}
        if not len(self):
            raise InvalidInput([Problem("length", expected(f"less than the {len(self._numbers)} units that there are", length))])

    def __len__(self) -> int:
        return max(0, (len(self._numbers) - 1) // self._length)

    def read(self, indices):
        found = self._numbers[indices[:, None] * self._length + np.arange(self._length + 1)].astype(np.int64)
        return {"x": np.ascontiguousarray(found[:, :-1]), "y": np.ascontiguousarray(found[:, 1:])}


class Padded:
    """A Dataset. `columns`: field → (its sequences, the length that they are padded or cut to, the name of the field that
    is 1 where they are, or none); `others`: field → one number or array a sample."""

    is_on_disk = True

    def __init__(self, columns: Mapping[str, tuple[Iterable[np.ndarray], int, str]], vocabulary: Vocabulary,
                 others: Mapping[str, tuple[np.ndarray, Field]] = {}, learned: Mapping[str, Any] = {}):
        self.learned = {"vocabulary": vocabulary.learned} | learned
        self._columns = {name: (*spooled(each[:length] for each in sequences), length, mask) for name, (sequences, length, mask) in columns.items()}
        self._others = {name: array for name, (array, _) in others.items()}
        self.fields = {name: field for name, (_, field) in others.items()}
        for name, (_, _, length, mask) in self._columns.items():
            self.fields[name] = Field((length,), True, vocabulary.size, 0)
            if mask:
                self.fields[mask] = Field((length,), True, 2, 0)

    def __len__(self) -> int:
        return len(next(iter(self._columns.values()))[1]) - 1

    def read(self, indices):
        batch = {name: array[indices] for name, array in self._others.items()}
        for name, (numbers, ends, length, mask) in self._columns.items():
            starts, lengths = ends[indices], ends[indices + 1] - ends[indices]
            is_there = np.arange(length) < lengths[:, None]
            batch[name] = np.zeros(is_there.shape, np.int64)
            places = starts[:, None] + np.arange(length)
            batch[name][is_there] = numbers[places[is_there]]
            if mask:
                batch[mask] = is_there.astype(np.int64)
        return batch
