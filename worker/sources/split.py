"""Which samples are for training and which are held out: a pure function of their number and a seed.

1. `split: train` and `split: test` of the same files are disjoint and together all; the default is all.
2. Test is the first `test_fraction` of a seeded permutation.
3. What a job with folds asks for is permuted once more and cut into these.
4. With groups (patients, speakers, days), those are permuted and cut: samples of one group are never on both sides.
5. With `stratify: true` a class has its share in test and in each fold, give or take one sample; `false`: as it comes. Left out:
   folds have it where there are classes and no groups, the test part has not. So a class of two samples or more is in the training
   of every fold.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bpcore import rng
from bpcore.attributes import choice, flag, integer, number
from bpcore.errors import InvalidInput, Problem, expected
from worker.datasets import DataRoot, Dataset, Format
from worker.shards import part


@dataclass(frozen=True)
class Fold:
    """Of a job's folds the one with this number, from 1 on, where it is `held_out`, else all others."""

    folds: int
    number: int
    seed: int
    held_out: bool

    def rows(self, count: int, classes: np.ndarray | None = None) -> np.ndarray:
        """Which of so many samples or groups are asked for, in ascending order; int64. There are as many as folds, at least.
        `classes`: of each, where they are to be divided alike."""
        order = rng.permutation(count, self.seed, rng.SPLIT)
        if classes is None:
            return _chosen(count, order[part(slice(0, count), self.folds, self.number - 1)], self.held_out)
        return _chosen(count, _by_class(order, classes)[self.number - 1::self.folds], self.held_out)

    def pieces(self, segment: slice) -> list[slice]:
        """The same of what has an order in time: a fold is a piece of it."""
        middle = part(segment, self.folds, self.number - 1)
        return [middle] if self.held_out else [slice(segment.start, middle.start), slice(middle.stop, segment.stop)]


@dataclass(frozen=True, kw_only=True)
class Source(Format):
    """The base of formats that can be split. `on_bad`: what happens to a sample that cannot be had: it ends the
    training, or it is left out and counted. `of_fold`: where the job has folds, of which one is asked for."""

    split: str = choice("all", "train", "test")
    test_fraction: float = number(0.2, above=0, below=1)
    split_seed: int = integer(0)
    stratify: bool | None = flag(None)
    on_bad: str = choice("fail", "skip")
    of_fold: Fold | None = None

    def open(self, root: DataRoot) -> Dataset:
        return self.open_with(root, {})

    def open_with(self, root: DataRoot, learned: Mapping[str, Any]) -> Dataset:
        raise NotImplementedError

    def elsewhere(self, path):
        return replace(super().elsewhere(path), split="all")

    def rows(self, samples: int, groups: Callable[[], Sequence[Any]] | None = None,
             classes: Callable[[], Sequence[Any]] | None = None) -> np.ndarray:
        """Which of `samples` are asked for, in ascending order; int64. `groups()`, `classes()`: those of each, where there are some.
        Raises InvalidInput where no samples are left, or what is to be divided alike is not there."""
        if self.split == "all" and not self.of_fold:
            return np.arange(samples)
        if self.stratify and (groups or not classes):
            what = "no groups, as these stay whole" if groups else "classes, but this data has none"
            raise InvalidInput([Problem("stratify", f"expected {what}; leave it out")])
        if groups:
            units, of_each = _numbered(groups(), samples)
            return np.flatnonzero(np.isin(of_each, self._kept(units, "groups")))
        return self._kept(samples, "samples", _numbered(classes(), samples)[1] if classes and self.stratify is not False else None)

    def _kept(self, units: int, what: str, classes: np.ndarray | None = None) -> np.ndarray:
        kept = np.arange(units)
        if self.split != "all":
            tests = test_part(units, self.test_fraction, self.split_seed, classes if self.stratify else None)
            kept = _chosen(units, tests, self.split == "test")
        if not len(kept):
            raise InvalidInput([Problem("split", f"expected at least one sample in the part {self.split}, but {units} {what} leave none")])
        if self.of_fold and self.of_fold.folds > len(kept):
            raise InvalidInput([Problem("", expected(f"{what} for {self.of_fold.folds} folds", len(kept)))])
        return kept[self.of_fold.rows(len(kept), None if classes is None else classes[kept])] if self.of_fold else kept


def test_part(count: int, fraction: float, seed: int, classes: np.ndarray | None = None) -> np.ndarray:
    """Which of so many are held out; `classes`: of each, where they are to be divided alike."""
    order, tests = rng.permutation(count, seed, rng.SPLIT), round(count * fraction)
    return order[:tests] if classes is None else _spread(_by_class(order, classes), tests)


def _by_class(order: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """One class behind the other, the first one first, each in its order."""
    _, first, of_each = np.unique(classes[order], return_index=True, return_inverse=True)
    return order[np.argsort(first[of_each.reshape(-1)], kind="stable")]


def _spread(order: np.ndarray, count: int) -> np.ndarray:
    """So many, at equal distances."""
    return order[(2 * np.arange(count) + 1) * len(order) // max(1, 2 * count)]


def _chosen(count: int, some: np.ndarray, those: bool) -> np.ndarray:
    """Ascending, of so many: `those`, or all but them."""
    is_one = np.zeros(count, bool)
    is_one[some] = True
    return np.flatnonzero(is_one if those else ~is_one)


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
