"""Large arrays that stay in their files. Rows are read, and nothing is ever mapped: touching a map was seen to bring 2 MiB around it
into a process, and ends the process where somebody has cut the file."""

import mmap
import os
import weakref
from collections.abc import Mapping
from math import prod

import numpy as np

from bpcore.errors import InvalidInput, Problem
from bpcore.fields import Field
from bpcore.shapes import Shape
from worker.datasets import Arrays
from worker.errors import BadSample
from worker.sources.lazy import AS_IT_WAS, Files

OBJECTS = "Object arrays"  # how NumPy's refusal of them begins
LARGE_BYTES = 1 << 26  # of a file or an array: below it a copy for each rank does no harm


def unreadable(kind: str, name: str, error: Exception) -> InvalidInput:
    """`kind`: of a file, .npz or .npy; `error`: what reading it raised."""
    if OBJECTS in str(error):
        return InvalidInput([Problem("path", f'expected arrays of numbers, but "{name}" holds Python objects: text among numbers, '
                                             "or rows of unequal length")])
    return InvalidInput([Problem("path", f'expected a readable {kind} file, but "{name}" is not one')])


class Stored:
    """An array (samples, …) in a file, from a byte `start` on; as far as Arrays needs it, an np.ndarray. `file`: its descriptor, which
    is duplicated; `name`: how to call it before users. Raises ValueError where the file is too short for it."""

    def __init__(self, file: int, name: str, start: int, dtype: np.dtype, shape: Shape):
        if dtype.hasobject:  # addresses of another process
            raise ValueError(OBJECTS)
        self.dtype, self.shape, self.ndim, self.size = dtype, shape, len(shape), prod(shape)
        self.nbytes = self.size * dtype.itemsize
        if start + self.nbytes > os.fstat(file).st_size:
            raise ValueError
        self._file, self._name, self._start = os.dup(file), name, start
        self._row_bytes = prod(shape[1:]) * dtype.itemsize
        weakref.finalize(self, os.close, self._file)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice) -> np.ndarray:
        """Some in a row. Raises BadSample where the file ends before them."""
        first, stop, _ = rows.indices(len(self))
        found = np.empty((stop - first, *self.shape[1:]), self.dtype)
        self._read(first, memoryview(found.reshape(-1).view(np.uint8)))
        return found

    def take(self, indices: np.ndarray, axis: int) -> np.ndarray:
        """Rows; `axis` is 0. The disk is asked for all of them before the first is read. Raises BadSample."""
        found, size = np.empty((len(indices), *self.shape[1:]), self.dtype), self._row_bytes
        room = memoryview(found.reshape(-1).view(np.uint8))
        if size >= mmap.PAGESIZE:
            for index in indices.tolist():
                os.posix_fadvise(self._file, self._start + index * size, size, os.POSIX_FADV_WILLNEED)
        for place, index in enumerate(indices.tolist()):
            self._read(index, room[place * size:(place + 1) * size])
        return found

    def _read(self, row: int, room: memoryview) -> None:
        done, start = 0, self._start + row * self._row_bytes
        while done < len(room):
            read = os.preadv(self._file, [room[done:]], start + done)
            if not read:
                raise BadSample(f"{self._name}: expected sample {row + done // self._row_bytes}, but the file ends before it", AS_IT_WAS)
            done += read


class Filed(Arrays):
    """A Dataset of arrays that come of `files`: some of them Stored, the others in memory. `fields`: where all that is known."""

    def __init__(self, arrays: Mapping[str, np.ndarray | Stored], files: Files, fields: Mapping[str, Field] | None = None):
        super().__init__(arrays, any(isinstance(array, Stored) for array in arrays.values()), fields)
        self._files = files

    def read(self, indices):
        for number in range(len(self._files.paths) if len(indices) else 0):
            self._files.unchanged(number)
        return super().read(indices)
