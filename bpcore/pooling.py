"""The largest value, or the average, of each window: what pools on any number of axes are made of.

x: (n, *sizes, channels), y: (n, *counts, channels); a grid says where the windows lie (windows.py).
"""

import numpy as np

from bpcore import windows
from bpcore.errors import ShapeError, expected
from bpcore.layers import Workspace
from bpcore.shapes import Shape
from bpcore.sums import positions
from bpcore.windows import Grid


def grid(sizes: Shape, size: Shape, stride: Shape | None, padding: str | Shape) -> Grid:
    """The windows of a pool. Raises ShapeError where none fits, or one could lie on the margin alone."""
    for length, margin in zip(size, padding if isinstance(padding, tuple) else ()):
        if margin >= length:
            raise ShapeError(expected(f"padding smaller than the window {length}", margin))
    return windows.grid(sizes, size, stride or size, padding)


def largest(w: Workspace, x: np.ndarray, grid: Grid, y: np.ndarray) -> None:
    """y = the largest value of each window; a NaN is handed on, so that it is seen where it appears."""
    y.fill(-np.inf)
    for place in grid.places(grid.padded(w, x, fill=-np.inf)):
        np.maximum(y, place, out=y)


def largest_back(w: Workspace, x: np.ndarray, y: np.ndarray, dy: np.ndarray, grid: Grid, dx: np.ndarray) -> None:
    """dx: each dy goes to the first largest value of its window, in row-major order."""
    whole, free, share = grid.blank(w, dx), w.temporary("free", y.shape, np.bool_), w.temporary("share", y.shape)
    free.fill(True)
    for place, dplace in zip(grid.places(grid.padded(w, x, fill=-np.inf)), grid.places(whole)):
        hit = (place == y) & free
        dplace += np.multiply(dy, hit, out=share)
        free ^= hit
    grid.crop(whole, dx)


def average(w: Workspace, x: np.ndarray, grid: Grid, include_pad: bool, y: np.ndarray) -> None:
    """y = the average of each window; without `include_pad` of those places alone that lie on the input."""
    y.fill(0)
    for place in grid.places(grid.padded(w, x)):
        y += place
    y /= _counted(grid, include_pad, y.dtype)


def average_back(w: Workspace, dy: np.ndarray, grid: Grid, include_pad: bool, dx: np.ndarray) -> None:
    whole = grid.blank(w, dx)
    share = np.divide(dy, _counted(grid, include_pad, dy.dtype), out=w.temporary("share", dy.shape))
    for place in grid.places(whole):
        place += share
    grid.crop(whole, dx)


def _counted(grid: Grid, include_pad: bool, dtype: np.dtype) -> np.ndarray:
    """What the sum of each window is divided by, to be broadcast to (n, *counts, channels)."""
    if include_pad or grid.lengths == grid.sizes:
        return np.array(grid.area, dtype)
    return grid.covered().astype(dtype)[..., None]


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
