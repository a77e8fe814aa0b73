"""sklearn: the real data sets that come inside scikit-learn, so that a first job needs no download.

Splits are fixed: a seeded permutation whose first part is the test set, the same for everyone.
Digits are images of shape (8, 8, 1) scaled to [0, 1]; the others are rows of plain features.
"""

from dataclasses import dataclass

import numpy as np

from bpcore import rng
from bpcore.attributes import attribute, choice, integer, number
from bpcore.errors import InvalidInput, Problem
from worker.datasets import Arrays, DataRoot, Dataset, Format

NAMES = ("breast_cancer", "diabetes", "digits", "iris", "wine")


def _known(value: object) -> str:
    if value not in NAMES:
        raise ValueError
    return str(value)


@dataclass(frozen=True)
class Sklearn(Format):
    name: str = attribute("one of " + ", ".join(NAMES), _known)
    split: str = choice("train", "test", "all")
    test_fraction: float = number(0.2, above=0, below=1)
    split_seed: int = integer(0)

    def open(self, root: DataRoot) -> Dataset:
        try:
            from sklearn import datasets
        except ImportError:
            raise InvalidInput([Problem("", "expected scikit-learn to be installed: pip install scikit-learn")]) from None
        x, y = getattr(datasets, f"load_{self.name}")(return_X_y=True)
        if self.name == "digits":
            x = (x / 16).reshape(-1, 8, 8, 1)
        rows = self._rows(len(x))
        return Arrays({"x": x[rows].astype(np.float32), "y": y[rows] if y.dtype.kind == "i" else y[rows].astype(np.float32)})

    def _rows(self, samples: int) -> np.ndarray:
        order = rng.permutation(samples, self.split_seed, rng.SPLIT)
        tests = round(samples * self.test_fraction)
        chosen = {"train": order[tests:], "test": order[:tests], "all": order}[self.split]
        return np.sort(chosen)
