"""Data formats, one a file. A format is a frozen dataclass of its attributes that opens a Dataset.

1. `open` finds what can be wrong without reading all of it, and raises InvalidInput with every problem.
2. Files are found through the DataRoot alone, which refuses what lies outside it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from bpcore.errors import InvalidInput, Problem, expected
from bpcore.losses import Targets
from bpcore.registry import Registry
from bpcore.shapes import Shape


class Dataset(Protocol):
    """Samples by index."""

    shape: Shape  # of one sample's input
    targets: Targets

    def __len__(self) -> int: ...

    def read(self, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(inputs (n, *shape) float32, targets (n, …)) of the samples at `indices`, in that order."""


class DataRoot:
    """The folder that data may be read from."""

    def __init__(self, folder: Path):
        self._folder = folder.resolve()

    def file(self, name: str) -> Path:
        """The regular file `name`, relative to the root. Raises InvalidInput, never naming the root."""
        try:
            path = (self._folder / name).resolve()
            inside, there = path.is_relative_to(self._folder), path.is_file()
        except (OSError, RuntimeError, ValueError):  # a NUL, a loop of links, a name too long
            raise InvalidInput([Problem("path", expected("a path that a file can have", name))]) from None
        if not inside:
            raise InvalidInput([Problem("path", expected("a path inside the data root", name))])
        if not there:
            raise InvalidInput([Problem("path", expected("a file inside the data root", name, "there is none of that name"))])
        return path


@dataclass(frozen=True)
class Format:
    """The base class."""

    def open(self, root: DataRoot) -> Dataset:
        """Raises InvalidInput with every problem."""
        raise NotImplementedError


FORMATS: Registry[Format] = Registry("data format", __name__, Format)


class Arrays:
    """A Dataset over two arrays, in memory or memory-mapped. x: (samples, …), y: (samples, …)."""

    def __init__(self, x: np.ndarray, y: np.ndarray):
        problems = [problem for problem in (_array_problem("inputs", x), _array_problem("targets", y)) if problem]
        if not problems and len(x) != len(y):
            problems = [Problem("", expected(f"as many targets as inputs, {len(x)}", len(y)))]
        problems = problems or _value_problems(x, y)
        if problems:
            raise InvalidInput(problems)
        self.x, self.y = x, y
        self.shape = x.shape[1:]
        integer = bool(np.issubdtype(y.dtype, np.integer))
        self.targets = Targets(y.shape[1:], integer, int(y.max()) + 1 if integer else 0)

    def __len__(self) -> int:
        return len(self.x)

    def read(self, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self.x[indices].astype(np.float32, copy=False), self.y[indices]


def _array_problem(name: str, array: np.ndarray) -> Problem | None:
    numeric = np.issubdtype(array.dtype, np.integer) or np.issubdtype(array.dtype, np.floating)
    if not numeric:
        return Problem(name, expected("an array of integers or floats", str(array.dtype)))
    if array.ndim < 1 or len(array) == 0:
        return Problem(name, expected("at least one sample", list(array.shape)))
    return None


def _value_problems(x: np.ndarray, y: np.ndarray, rows: int = 65536) -> list[Problem]:
    """Numbers that no training survives. Read in blocks, so that memory-mapped data stays on disk."""
    problems = []
    for name, array in (("inputs", x), ("targets", y)):
        bad = [start + row for start in range(0, len(array), rows) for row in _bad_rows(array[start:start + rows])]
        if bad:
            problems.append(Problem(name, f"expected finite numbers, but {len(bad)} of {len(array)} samples hold NaN or "
                                          f"infinity, the first of them sample {bad[0]}"))
    if not problems and np.issubdtype(y.dtype, np.integer) and y.min() < 0:
        problems.append(Problem("targets", expected("labels from 0 on", int(y.min()))))
    return problems


def _bad_rows(block: np.ndarray) -> np.ndarray:
    """Rows with a number that float32 cannot hold."""
    if np.issubdtype(block.dtype, np.integer):
        return np.empty(0, np.int64)
    with np.errstate(over="ignore"):
        return np.flatnonzero(~np.isfinite(block.astype(np.float32)).reshape(len(block), -1).all(axis=1))
