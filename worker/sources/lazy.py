"""Samples made one at a time, of files that are read when they are asked for.

1. A set that is small when it is decoded is kept in memory as it is read; of a larger one nothing is.
2. A file whose size or time of change is not what it was when the set was opened is a bad sample.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from bpcore.fields import Batch, Field
from worker.errors import BadSample

AS_IT_WAS = "put back what the training began with and go on from there, or train anew"
KEPT_BYTES = 1 << 26


class Lazy:
    """A Dataset. `make(i)`: field → array of sample i; raises BadSample."""

    is_on_disk = True

    def __init__(self, fields: Mapping[str, Field], count: int, make: Callable[[int], Batch], learned: Mapping[str, Any], skips: bool):
        self.fields, self.learned = fields, learned
        self._count, self._make, self._skips = count, make, skips
        self._keeps = count * 4 * sum(prod(field.shape) for field in fields.values()) <= KEPT_BYTES
        self._kept: dict[int, Batch] = {}
        self._skipped: set[int] = set()

    @property
    def skipped(self) -> int:
        """Samples that have been left out so far."""
        return len(self._skipped)

    def __len__(self) -> int:
        return self._count

    def read(self, indices):
        samples = [sample for index in indices.tolist() if (sample := self._sample(index)) is not None]
        if not samples:
            return {name: np.zeros((0, *field.shape), np.int64 if field.integer else np.float32) for name, field in self.fields.items()}
        return {name: np.stack([sample[name] for sample in samples]) for name in self.fields}

    def _sample(self, index: int) -> Batch | None:
        if index in self._kept:
            return self._kept[index]
        try:
            sample = self._make(index)
        except BadSample:
            if not self._skips:
                raise
            self._skipped.add(index)
            return None
        if self._keeps:
            self._kept[index] = sample
        return sample


@dataclass(frozen=True)
class Files:
    """Some files, as they were when this was made. `names`: how to call them before users."""

    paths: Sequence[Path]
    names: Sequence[str]
    stamps: Sequence[tuple[int, int]]

    @classmethod
    def of(cls, paths: Sequence[Path], names: Sequence[str]) -> "Files":
        return cls(paths, names, [_stamp(path) for path in paths])

    def unchanged(self, index: int) -> Path:
        """Raises BadSample where it has changed, or is gone."""
        try:
            if _stamp(self.paths[index]) == self.stamps[index]:
                return self.paths[index]
        except OSError as error:
            raise BadSample(f"{self.names[index]}: expected a file that stays while it is trained on: {error.strerror}", AS_IT_WAS) from None
        raise BadSample(f"{self.names[index]}: expected a file that stays as it is while it is trained on, but it has changed", AS_IT_WAS)


def _stamp(path: Path) -> tuple[int, int]:
    found = os.stat(path)
    return found.st_size, found.st_mtime_ns
