"""Training data in which every class comes as often as any other, whatever it is in the files.

1. An epoch has as many samples as the data, n / k of each of the k classes, give or take one. Each class is gone through in an
   order of its own, again and again: no sample is drawn twice before all of its class were drawn.
2. What an epoch draws is a function of (seed, epoch): the same on every rank.
3. Which class each sample is of is found by reading all of them once, when the training begins.
"""

from functools import lru_cache

import numpy as np

from bpcore import rng
from bpcore.attributes import unknown
from bpcore.errors import InvalidInput, Problem, expected
from worker.data.reading import of_epoch
from worker.data.transformed import what_is_there
from worker.datasets import Dataset

BLOCK = 256  # samples read at a time where their classes are looked for


class Balanced:
    """A Dataset. `field`: which class a sample is of, integers (). Raises InvalidInput where it cannot be."""

    def __init__(self, data: Dataset, field: str, seed: int):
        known = data.fields
        if field not in known:
            raise InvalidInput([Problem("", unknown(field, known, "field"))])
        if not known[field].integer or known[field].shape:
            raise InvalidInput([Problem("", expected("a field with one integer a sample", field))])
        self._data, self._field, self._seed = data, field, seed
        self.fields, self.is_on_disk, self.learned = known, data.is_on_disk, data.learned
        self.rows = lru_cache(2)(self._rows)  # this epoch's and the next one's
        self.classes = lru_cache(1)(self._classes)

    @property
    def skipped(self) -> int:
        return getattr(self._data, "skipped", 0)

    def __len__(self) -> int:
        return len(self._data)

    def of_epoch(self, epoch: int) -> Dataset:
        return Drawn(self, of_epoch(self._data, epoch), epoch)

    def read(self, indices):
        return self.of_epoch(0).read(indices)

    def _rows(self, epoch: int) -> np.ndarray:
        """Which samples the epoch draws; int64, as many as there are."""
        of_class = self.classes()
        shares = [len(self) // len(of_class) + (place < len(self) % len(of_class)) for place in range(len(of_class))]
        return np.concatenate([_some(rows, share, self._seed, epoch) for rows, share in zip(of_class, shares)])

    def _classes(self) -> list[np.ndarray]:
        """The samples of each class that there is."""
        starts = range(0, len(self), BLOCK)
        found = [what_is_there(self._data, np.arange(start, min(start + BLOCK, len(self)))) for start in starts]
        labels, rows = np.concatenate([batch[self._field] for batch, _ in found]), np.concatenate([indices for _, indices in found])
        return [rows[labels == each] for each in np.unique(labels)]


class Drawn:
    """The same in one epoch."""

    def __init__(self, whole: Balanced, data: Dataset, epoch: int):
        self._whole, self._data, self._epoch = whole, data, epoch
        self.fields, self.is_on_disk, self.learned = whole.fields, whole.is_on_disk, whole.learned

    @property
    def skipped(self) -> int:
        return self._whole.skipped

    def __len__(self) -> int:
        return len(self._whole)

    def read(self, indices):
        return self._data.read(self._whole.rows(self._epoch)[indices])


def _some(rows: np.ndarray, count: int, seed: int, epoch: int) -> np.ndarray:
    """So many of the rows, each as often as any other, give or take once."""
    order = rows[rng.permutation(len(rows), seed, rng.BALANCE, (epoch << 32) + int(rows[0]))]
    return np.resize(order, count)
