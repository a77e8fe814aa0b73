"""Arrays that come one after the other, end to end in a file that nobody else sees, mapped: of any length, in little
memory."""

import tempfile
from collections.abc import Iterable

import numpy as np


def spooled(arrays: Iterable[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """(all of them, where each begins and the last one ends). They are of one dtype, and of one shape behind the first
    axis. Read only."""
    dtype, shape, ends = np.dtype(np.int32), (), [0]
    with tempfile.TemporaryFile() as file:
        for array in arrays:
            dtype, shape = array.dtype, array.shape[1:]
            file.write(np.ascontiguousarray(array).data)
            ends.append(ends[-1] + len(array))
        file.flush()
        whole = (ends[-1], *shape)
        return np.memmap(file, dtype, "r", 0, whole) if ends[-1] else np.zeros(whole, dtype), np.array(ends)
