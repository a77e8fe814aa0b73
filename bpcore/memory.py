"""Memory that starts on a line of the cache: vectors that lie across two lines take twice as long to fetch."""

from math import prod
from typing import Any

import numpy as np

from bpcore.shapes import Shape

LINE_BYTES = 64


def zeros(shape: Shape, dtype: Any) -> np.ndarray:
    return on_a_line(np.zeros(_with_room(shape, dtype), np.uint8), dtype)[:prod(shape)].reshape(shape)


def empty(shape: Shape, dtype: Any) -> np.ndarray:
    return on_a_line(np.empty(_with_room(shape, dtype), np.uint8), dtype)[:prod(shape)].reshape(shape)


def flat(array: np.ndarray) -> np.ndarray:
    """All its numbers on one axis, in the same memory. Raises ValueError where they do not lie there in order."""
    return np.ndarray(array.size, array.dtype, array)


def rows(array: np.ndarray) -> np.ndarray:
    """(…, width) as (rows, width), in order in memory: the same where it lies so, else a copy."""
    return np.ascontiguousarray(array).reshape(-1, array.shape[-1])


def on_a_line(raw: np.ndarray, dtype: Any) -> np.ndarray:
    """What of some bytes lies behind the first line's start, as whole numbers."""
    skip = -raw.ctypes.data % LINE_BYTES
    return raw[skip:skip + (raw.size - skip) // np.dtype(dtype).itemsize * np.dtype(dtype).itemsize].view(dtype)


def _with_room(shape: Shape, dtype: Any) -> int:
    return prod(shape) * np.dtype(dtype).itemsize + LINE_BYTES
