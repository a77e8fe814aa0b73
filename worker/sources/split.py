"""Which samples are for training and which are held out: a pure function of their number and a seed.

1. `split: train` and `split: test` of the same files are disjoint and together all; the default is all.
2. Test is the first `test_fraction` of a seeded permutation, or with `folds: K` its part number `fold` (from 0).
3. With groups (patients, speakers, days), those are permuted and cut: samples of one group are never on both sides.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bpcore import rng
from bpcore.attributes import choice, integer, number
from bpcore.errors import InvalidInput, Problem, expected
from worker.datasets import DataRoot, Dataset, Format
from worker.shards import part


@dataclass(frozen=True, kw_only=True)
class Source(Format):
    """The base of formats that can be split. `on_bad`: what happens to a sample that cannot be had: it ends the
    training, or it is left out and counted."""

    split: str = choice("all", "train", "test")
    test_fraction: float = number(0.2, above=0, below=1)
    split_seed: int = integer(0)
    folds: int = integer(0)
    fold: int = integer(0)
    on_bad: str = choice("fail", "skip")

    def open(self, root: DataRoot) -> Dataset:
        return self.open_with(root, {})

    def open_with(self, root: DataRoot, learned: Mapping[str, Any]) -> Dataset:
        raise NotImplementedError

    def elsewhere(self, path):
        return replace(super().elsewhere(path), split="all")

    def rows(self, samples: int, groups: Callable[[], Sequence[Any]] | None = None) -> np.ndarray:
        """Which of `samples` are asked for, in ascending order; int64. `groups()`: the group of each. Raises
        InvalidInput where none are left."""
        if self.split == "all":
            return np.arange(samples)
        units, of_each = _numbered(groups(), samples) if groups else (samples, None)
        order = rng.permutation(units, self.split_seed, rng.SPLIT)
        tests = order[self._tests(units)]
        is_test = np.isin(np.arange(units), tests)
        is_test = is_test if of_each is None else is_test[of_each]
        rows = np.flatnonzero(is_test if self.split == "test" else ~is_test)
        if not len(rows):
            what = "samples" if groups is None else "groups"
            raise InvalidInput([Problem("split", f"expected at least one sample in the part {self.split}, but {units} {what} leave none")])
        return rows

    def _tests(self, units: int) -> slice:
        if not self.folds:
            return slice(0, round(units * self.test_fraction))
        if self.folds < 2 or self.fold >= self.folds:
            raise InvalidInput([Problem("fold", expected(f"a fold below folds = {self.folds}, which is 2 at least", self.fold))])
        return part(slice(0, units), self.folds, self.fold)


def _numbered(groups: Sequence[Any], samples: int) -> tuple[int, np.ndarray]:
    """How many groups there are, and the number of each sample's; in sorted order, so that no file's order matters."""
    names, of_each = np.unique(np.asarray(groups), return_inverse=True)
    return len(names), of_each.reshape(samples)


class Subset:
    """Some samples of a Dataset."""

    def __init__(self, data: Dataset, rows: np.ndarray):
        self._data, self._rows = data, rows
        self.fields, self.is_on_disk, self.learned = data.fields, data.is_on_disk, data.learned

    def __len__(self) -> int:
        return len(self._rows)

    def read(self, indices):
        return self._data.read(self._rows[indices])


def subset(data: Dataset, rows: np.ndarray) -> Dataset:
    return data if len(rows) == len(data) else Subset(data, rows)
