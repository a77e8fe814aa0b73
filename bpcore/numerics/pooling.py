"""The largest value, or the average, of each window: what pools on any number of axes are made of.

x: (n, *sizes, channels), y: (n, *counts, channels); a grid says where the windows lie (windows.py).
"""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from bpcore import kernels
from bpcore.errors import ShapeError, expected
from bpcore.layers import Workspace
from bpcore.numerics import windows
from bpcore.numerics.sums import positions
from bpcore.numerics.windows import Grid
from bpcore.shapes import Shape


def grid(sizes: Shape, size: Shape, stride: Shape | None, padding: str | Shape) -> Grid:
    """The windows of a pool. Raises ShapeError where none fits, or one could lie on the margin alone."""
    for length, margin in zip(size, padding if isinstance(padding, tuple) else ()):
        if margin >= length:
            raise ShapeError(expected(f"padding smaller than the window {length}", margin))
    return windows.grid(sizes, size, stride or size, padding)


def largest(w: Workspace, grid: Grid) -> Callable[[], object]:
    """The call that writes w.y = the largest value of each window; a NaN is handed on, so that it is seen where it
    appears."""
    x, y = _plane(np.ascontiguousarray(w.x)), _plane(w.y)
    return partial(kernels.pools.largest, x, y, _places(w), *_geometry(grid))


def largest_back(w: Workspace, grid: Grid) -> Iterator[Callable[[], object]]:
    """The calls that write w.dx: each dy goes to the first largest value of its window, in row-major order."""
    if add := not grid.tiles:
        yield partial(w.dx.fill, 0)
    yield partial(kernels.pools.largest_back, _plane(w.dy), _places(w), _plane(w.dx), *_geometry(grid), add)


def average(w: Workspace, grid: Grid, include_pad: bool) -> Callable[[], object]:
    """The call that writes w.y = the average of each window; without `include_pad` of those places alone that lie on
    the input."""
    return partial(kernels.pools.average, _plane(np.ascontiguousarray(w.x)), _plane(w.y), *_geometry(grid), include_pad)


def average_back(w: Workspace, grid: Grid, include_pad: bool) -> Iterator[Callable[[], object]]:
    if add := not grid.tiles:
        yield partial(w.dx.fill, 0)
    yield partial(kernels.pools.average_back, _plane(w.dy), _plane(w.dx), *_geometry(grid), include_pad, add)


def _plane(array: np.ndarray) -> np.ndarray:
    """(n, height, width, channels); of one axis a single row."""
    return array if array.ndim == 4 else array[:, None]


def _geometry(grid: Grid) -> tuple[Shape, Shape, Shape]:
    return grid.plane.window, grid.plane.stride, grid.plane.before


def _places(w: Workspace) -> np.ndarray:
    """Which place of its window each output is, kept for the gradient."""
    y, each = _plane(w.y), kernels.vectors.BYTES // w.y.itemsize
    return w.scratch("places", (*y.shape[:3], -(-y.shape[3] // each) * each), np.int32)


def largest_of_all(w: Workspace, x: np.ndarray, y: np.ndarray) -> None:
    """y (n, channels) = the largest value of each channel; `largest_of_all_back` needs the same workspace."""
    rows = positions(x)
    first = np.argmax(rows, axis=1, out=w.scratch("first", y.shape, np.intp))
    y[...] = np.take_along_axis(rows, first[:, None], axis=1)[:, 0]


def largest_of_all_back(w: Workspace, dy: np.ndarray, dx: np.ndarray) -> None:
    """dx: each dy goes to the first largest value of its channel, in row-major order."""
    dx.fill(0)
    np.put_along_axis(positions(dx), w.scratch("first", dy.shape, np.intp)[:, None], dy[:, None], axis=1)


def average_of_all(x: np.ndarray, y: np.ndarray) -> None:
    """y (n, channels) = the average of each channel."""
    each = positions(x)
    np.matmul(np.ones(each.shape[1], x.dtype), each, out=y)
    y /= each.shape[1]


def average_of_all_back(dy: np.ndarray, dx: np.ndarray) -> None:
    each = positions(dx)
    np.divide(dy[:, None], each.shape[1], out=each)
