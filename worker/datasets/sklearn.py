"""sklearn: the real data sets that come inside scikit-learn, so that a first job needs no download.

Splits are fixed: a seeded permutation whose first part is the test set, the same for everyone.
Digits are images of shape (8, 8, 1) scaled to [0, 1]; the others are rows of plain features, diabetes' with mean 0 and
length 1. scikit-learn's tables are read where they lie: importing it takes longer than all else that a rank does
before its first step.

classes: samples of these labels alone, which then count from 0 in the order given; none given: all. stratify: true: each class has
its share in the test set.
"""

import importlib.util
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bpcore.attributes import attribute, choice, flag, integer, integers, number
from bpcore.errors import InvalidInput, Problem, expected
from worker.datasets import Arrays, DataRoot, Dataset, Format
from worker.sources.split import test_part

PLAIN, HEADED = {"delimiter": ","}, {"delimiter": ",", "skiprows": 1}
# Files and how np.loadtxt is to read them. Columns stand side by side, y last.
TABLES = {"breast_cancer": (["breast_cancer.csv"], HEADED), "diabetes": (["diabetes_data_raw.csv.gz", "diabetes_target.csv.gz"], {}),
          "digits": (["digits.csv.gz"], PLAIN), "iris": (["iris.csv"], HEADED), "wine": (["wine_data.csv"], HEADED)}


def _known(value: object) -> str:
    if value not in TABLES:
        raise ValueError
    return str(value)


@dataclass(frozen=True)
class Sklearn(Format):
    name: str = attribute("one of " + ", ".join(TABLES), _known)
    split: str = choice("train", "test", "all")
    test_fraction: float = number(0.2, above=0, below=1)
    split_seed: int = integer(0)
    stratify: bool = flag(False)
    classes: tuple[int, ...] = integers(())

    def open(self, root: DataRoot) -> Dataset:
        x, y = _load(self.name)
        if self.stratify and y.dtype.kind == "f":
            raise InvalidInput([Problem("stratify", "expected classes, but this data has none; leave it out")])
        rows = self._rows(len(x), y if self.stratify else None)
        x, y = x[rows].astype(np.float32), y[rows]
        return Arrays(self._of_classes(x, y) if self.classes else {"x": x, "y": y})

    def _of_classes(self, x: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
        """Raises InvalidInput for labels that there are none of."""
        known = np.unique(y).tolist()
        if y.dtype.kind == "f" or not set(self.classes) <= set(known):
            wants = "no classes, as the targets are numbers" if y.dtype.kind == "f" else f"labels among {known}"
            raise InvalidInput([Problem("classes", expected(wants, list(self.classes)))])
        kept = np.isin(y, self.classes)
        return {"x": x[kept], "y": np.array([self.classes.index(label) for label in y[kept].tolist()])}

    def _rows(self, samples: int, classes: np.ndarray | None) -> np.ndarray:
        every, tests = np.arange(samples), test_part(samples, self.test_fraction, self.split_seed, classes)
        return {"train": np.setdiff1d(every, tests), "test": np.sort(tests), "all": every}[self.split]


def _load(name: str) -> tuple[np.ndarray, np.ndarray]:
    """(x, y) of all samples, as scikit-learn's own loaders give them, bit for bit, but for digits' shape and scale."""
    files, options = TABLES[name]
    table = np.column_stack([np.loadtxt(_folder() / file, **options) for file in files])
    x, y = table[:, :-1], table[:, -1]
    if name == "diabetes":
        return (x - x.mean(axis=0)) / x.std(axis=0) / len(x)**0.5, y.astype(np.float32)
    return (x / 16).reshape(-1, 8, 8, 1) if name == "digits" else x, y.astype(np.int64)


def _folder() -> Path:
    found = importlib.util.find_spec("sklearn")
    folder = Path(found.origin).parent / "datasets" / "data" if found else None
    if folder is None or not folder.is_dir():
        raise InvalidInput([Problem("", "expected scikit-learn to be installed: pip install scikit-learn")])
    return folder
