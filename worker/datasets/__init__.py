"""Data formats, one a file. A format is a frozen dataclass of its attributes that opens a Dataset.

1. `open` finds what can be wrong without reading all of it, and raises InvalidInput with every problem.
2. Files are found through the DataRoot alone, which refuses what lies outside it.
3. What a format learns of its samples (a vocabulary, the names of classes) is learned from the training data alone:
   held-out data is opened with that.
"""

import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from bpcore.errors import InvalidInput, Problem, expected
from bpcore.fields import Batch, Field
from bpcore.registry import Registry
from worker.data.remote import Remote, is_url


BLOCK_BYTES = 1 << 22  # read at a time where all is looked through
NOT_FOUND, REJECTED = "DATASET_NOT_FOUND", "DATASET_PATH_REJECTED"  # reasons of problems


class Dataset(Protocol):
    """Samples by index. `fields`: what each sample holds; by custom `x` is the input and `y` the target. `is_on_disk`:
    whether reading may have to wait for it. `learned`: what was learned of the samples, as JSON. Several threads may
    read at once."""

    fields: Mapping[str, Field]
    is_on_disk: bool
    learned: Mapping[str, Any]

    def __len__(self) -> int: ...

    def read(self, indices: np.ndarray) -> Batch:
        """Field → array (n, …) of the samples at `indices`, in that order; numbers as float32. Raises BadSample for one
        that cannot be had, or leaves it out."""


class DataRoot:
    """The folder that data may be read from, and the remote stores that it allows (worker/data/remote.py): a URL stands for the
    copy of what is there."""

    def __init__(self, folder: Path):
        self._folder = folder.resolve()
        self.remote = Remote(self._folder)

    def file(self, name: str, field: str = "path") -> Path:
        """The regular file `name`, relative to the root. Raises InvalidInput for that `field`, never naming the root."""
        path = self._inside(name, field)
        if not path.is_file():
            raise InvalidInput([Problem(field, expected("a file inside the data root", name, "there is none of that name"), NOT_FOUND)])
        return path

    def folder(self, name: str, field: str = "path") -> Path:
        """The folder `name`, in the same way."""
        path = self._inside(name, field)
        if not path.is_dir():
            raise InvalidInput([Problem(field, expected("a folder inside the data root", name, "there is none of that name"), NOT_FOUND)])
        return path

    def files(self, name: str, suffixes: Collection[str], field: str = "path") -> list[Path]:
        """The file `name`, or all files of the folder `name` and of those below that end in one of `suffixes`, by name.
        Links to folders are not followed. Raises InvalidInput where there is none."""
        path = self._inside(name, field)
        if path.is_file():
            return [path]
        if not path.is_dir():
            raise InvalidInput([Problem(field, expected("a file or folder inside the data root", name, "there is none of that name"), NOT_FOUND)])
        found = sorted(each for each in _below(path) if each.suffix.lower() in suffixes and self._is_ours(each))
        if not found:
            raise InvalidInput([Problem(field, expected(f"files that end in {', '.join(sorted(suffixes))}", name, "there are none in it"), NOT_FOUND)])
        return found

    def is_folder(self, name: str, field: str = "path") -> bool:
        return self._inside(name, field).is_dir()

    def name(self, path: Path) -> str:
        """How to call a file before users."""
        return self.remote.url(path) or path.relative_to(self._folder).as_posix()

    def _inside(self, name: str, field: str) -> Path:
        if is_url(name):
            return self.remote.path(name, field)
        try:
            path = (self._folder / name).resolve()
            path.exists()
        except (OSError, RuntimeError, ValueError):  # a NUL, a loop of links, a name too long
            raise InvalidInput([Problem(field, expected("a path that a file can have", name), REJECTED)]) from None
        if not path.is_relative_to(self._folder):
            raise InvalidInput([Problem(field, expected("a path inside the data root", name), REJECTED)])
        return path

    def _is_ours(self, path: Path) -> bool:
        return not path.is_symlink() or path.is_file() and path.resolve().is_relative_to(self._folder)


def _below(folder: Path) -> Iterator[Path]:
    for inside, _, names in os.walk(folder):
        yield from (Path(inside, name) for name in names)


@dataclass(frozen=True)
class Format:
    """The base class."""

    def open(self, root: DataRoot) -> Dataset:
        """Raises InvalidInput with every problem."""
        raise NotImplementedError

    def open_with(self, root: DataRoot, learned: Mapping[str, Any]) -> Dataset:
        """The same of other data than the training's, with what was learned of that; empty: of this data itself. Answers
        (y and the like) that are not there are left out."""
        return self.open(root)

    def elsewhere(self, path: str) -> "Format":
        """The same, of all samples in another file. Raises InvalidInput where samples are in no file."""
        if "path" not in {field.name for field in fields(self)}:
            raise InvalidInput([Problem("", "expected a format that reads files; to predict this one's own samples, name them: train or eval")])
        return replace(self, path=path)


FORMATS: Registry[Format] = Registry("data format", __name__, Format)


class Arrays:
    """A Dataset over arrays (samples, …), by field; in memory, or what looks like an array and is in a file."""

    learned: Mapping[str, Any] = {}

    def __init__(self, arrays: Mapping[str, np.ndarray], is_on_disk: bool = False, fields: Mapping[str, Field] | None = None):
        """`fields`: where all that is known."""
        self.is_on_disk = is_on_disk
        problems = [problem for name, array in arrays.items() if (problem := _array_problem(name, array))]
        first = next(iter(arrays))
        problems += [Problem(name, expected(f"as many samples as {first} has, {len(arrays[first])}", len(array)))
                     for name, array in arrays.items() if not problems and len(array) != len(arrays[first])]
        if fields is None and not problems:
            problems = [problem for name, array in arrays.items() if (problem := _value_problem(name, array))]
        if problems:
            raise InvalidInput(problems)
        self._arrays = dict(arrays)
        self.fields = dict(fields or {name: _field(array) for name, array in arrays.items()})
        self._ready = {name: field.integer or arrays[name].dtype == np.float32 for name, field in self.fields.items()}

    def __len__(self) -> int:
        return len(next(iter(self._arrays.values())))

    def column(self, name: str) -> np.ndarray:
        """A field of all samples."""
        return self._arrays[name]

    @property
    def size_bytes(self) -> int:
        """Of all samples as they are read."""
        return sum(array.size * (array.itemsize if self._ready[name] else 4) for name, array in self._arrays.items())

    def place_of(self, field: str, value: int) -> str:
        """The first sample that holds a value, as users call it."""
        starts = (start + np.argwhere(block == value)[0, 0] for start, block in _blocks(self._arrays[field]) if (block == value).any())
        return f"sample {next(starts)}"

    def read(self, indices: np.ndarray) -> Batch:
        return {name: array.take(indices, 0) if self._ready[name] else array.take(indices, 0).astype(np.float32)
                for name, array in self._arrays.items()}


def _field(array: np.ndarray) -> Field:
    if array.dtype.kind not in "biu":
        return Field(array.shape[1:])
    least, most = [], []
    for _, block in _blocks(array):
        least, most = [*least, int(block.min())], [*most, int(block.max())]
    return Field(array.shape[1:], True, max(most) + 1, min(least))


def _blocks(array: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """(its first row, a part of it), so that what is in a file stays there."""
    rows = max(1, BLOCK_BYTES // max(1, array.nbytes // len(array)))
    yield from ((start, array[start:start + rows]) for start in range(0, len(array), rows))


def _array_problem(name: str, array: np.ndarray) -> Problem | None:
    if array.dtype.kind not in "biuf":
        return Problem(name, expected("an array of integers or floats", str(array.dtype)))
    if array.ndim < 1 or array.size == 0:
        return Problem(name, expected("at least one sample", list(array.shape)))
    return None


def _value_problem(name: str, array: np.ndarray) -> Problem | None:
    """Numbers that no training survives."""
    if array.dtype.kind != "f":
        return None
    bad: list[int] = []
    for start, block in _blocks(array):
        bad += (start + _bad_rows(block)).tolist()
    if not bad:
        return None
    return Problem(name, f"expected finite numbers, but {len(bad)} of {len(array)} samples hold NaN or infinity, "
                         f"the first of them sample {bad[0]}")


def _bad_rows(block: np.ndarray) -> np.ndarray:
    """Rows with a number that float32 cannot hold."""
    with np.errstate(over="ignore"):
        return np.flatnonzero(~np.isfinite(block.astype(np.float32)).reshape(len(block), -1).all(axis=1))
