"""Large arrays that stay in their files. Rows are read, not touched in a map: a touch was seen to map 2 MiB around it into a process,
and ends the process where the file was cut."""

import mmap
import os
import weakref
from collections.abc import Mapping

import numpy as np

from bpcore.fields import Field
from worker.datasets import Arrays
from worker.errors import BadSample
from worker.sources.lazy import Files

LARGE_BYTES = 1 << 26  # of a file or an array: below it a copy for each rank does no harm


class Filed(Arrays):
    """A Dataset. `places`: of arrays that are mapped from one of `files`, its number and where in it they begin; the other arrays
    are in memory. `fields`: what is known of them."""

    def __init__(self, arrays: Mapping[str, np.ndarray], places: Mapping[str, tuple[int, int]], files: Files, fields: Mapping[str, Field]):
        super().__init__(arrays, is_on_disk=True, fields=fields)
        self._files, self._opened = files, [os.open(path, os.O_RDONLY) for path in files.paths]
        for file in self._opened:
            weakref.finalize(self, os.close, file)
        self._places = {name: place for name, place in places.items() if arrays[name].flags.c_contiguous and arrays[name].nbytes >= LARGE_BYTES}
        for name in places.keys() - self._places.keys():
            if arrays[name].nbytes < LARGE_BYTES:
                self._arrays[name] = arrays[name].copy()

    def read(self, indices):
        for number in range(len(self._opened)):
            self._files.unchanged(number)
        rows = {name: self._rows(name, indices.tolist()) if name in self._places else array[indices] for name, array in self._arrays.items()}
        return {name: array if self._ready[name] else array.astype(np.float32) for name, array in rows.items()}

    def _rows(self, name: str, indices: list[int]) -> np.ndarray:
        """Raises BadSample where the file ends before it should."""
        array, (number, start) = self._arrays[name], self._places[name]
        file, rows, size = self._opened[number], np.empty((len(indices), *array.shape[1:]), array.dtype), array.strides[0]
        if size >= mmap.PAGESIZE:
            for index in indices:
                os.posix_fadvise(file, start + index * size, size, os.POSIX_FADV_WILLNEED)
        room = memoryview(rows.reshape(-1).view(np.uint8))
        for place, index in enumerate(indices):
            if os.preadv(file, [room[place * size:(place + 1) * size]], start + index * size) != size:
                raise BadSample(f"{self._files.names[number]}: expected sample {index}, but the file ends before it")
        return rows
