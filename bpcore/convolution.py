"""Cross-correlation, its transpose and its gradient, channels-last, on any number of axes: what conv1d,
conv2d and conv_transpose2d are made of.

1. x: (n, *sizes, in), weight: (*window, in / groups, filters), y: (n, *counts, filters). Output f belongs to
   group ⌊f · groups / filters⌋ and sees the channels of that group alone.
2. As many groups as channels are depthwise.py's.
3. A product over unrolled windows is one matrix product a group (Chellapilla et al., "High performance
   convolutional neural networks for document processing", 2006). Blocks of samples are unrolled one at a
   time and again for the gradient: cheaper than fetching them from memory, and nothing is kept.
"""

from collections.abc import Iterator

import numpy as np

from bpcore import depthwise
from bpcore.blocks import blocks
from bpcore.errors import ShapeError, expected
from bpcore.layers import Workspace
from bpcore.windows import Grid


def check_groups(groups: int, channels: int, filters: int) -> None:
    """Raises ShapeError unless both can be divided into so many groups."""
    for what, number in (("channels of the input", channels), ("filters", filters)):
        if number % groups:
            raise ShapeError(expected(f"a number of {what} that {groups} groups divide", number, "change groups or filters"))


def correlate(w: Workspace, x: np.ndarray, weight: np.ndarray, grid: Grid, groups: int, y: np.ndarray) -> None:
    """y = x ⋆ weight."""
    if groups == x.shape[-1] > 1:
        return depthwise.correlate(w, x, weight, grid, y)
    kernel = weight.reshape(-1, groups, weight.shape[-1] // groups).transpose(1, 0, 2)
    for part, columns in _unrolled(w, x, grid, groups):
        np.matmul(columns, kernel, out=_rows(y[part], groups))


def correlate_weight(w: Workspace, x: np.ndarray, dy: np.ndarray, grid: Grid, groups: int, dweight: np.ndarray) -> None:
    """dweight = the gradient of ⟨x ⋆ weight, dy⟩ with respect to weight."""
    if groups == x.shape[-1] > 1:
        return depthwise.correlate_weight(w, x, dy, grid, dweight)
    total = np.zeros((groups, dweight.size // dy.shape[-1], dy.shape[-1] // groups), dweight.dtype)
    for part, columns in _unrolled(w, x, grid, groups):
        total += columns.transpose(0, 2, 1) @ _rows(dy[part], groups)
    dweight[...] = total.transpose(1, 0, 2).reshape(dweight.shape)


def spread(w: Workspace, dy: np.ndarray, weight: np.ndarray, grid: Grid, groups: int, dx: np.ndarray) -> None:
    """dx = the gradient of ⟨x ⋆ weight, dy⟩ with respect to x: the transpose of `correlate`."""
    if groups == dx.shape[-1] > 1:
        return depthwise.spread(w, dy, weight, grid, dx)
    if back := grid.transposed():  # unrolling dy is faster than adding up overlapping windows
        return correlate(w, dy, _turned(weight, groups), back, groups, dx)
    kernels = weight.reshape(grid.area, -1, groups, weight.shape[-1] // groups).transpose(0, 2, 3, 1)
    for part in blocks(len(dx), grid.area * dy[0].size):
        whole = grid.blank(w, dx[part])
        share = w.temporary("share", (*dy[part].shape[:-1], dx.shape[-1]))
        for kernel, place in zip(kernels, grid.places(whole)):
            np.matmul(_rows(dy[part], groups), kernel, out=_rows(share, groups))
            place += share
        grid.crop(whole, dx[part])


def _turned(weight: np.ndarray, groups: int) -> np.ndarray:
    """(*window, filters / groups, in): windows back to front, channels and filters of a group exchanged."""
    *window, channels, filters = weight.shape
    ahead = np.flip(weight, tuple(range(len(window)))).reshape(-1, channels, groups, filters // groups)
    return ahead.transpose(0, 3, 2, 1).reshape(*window, filters // groups, groups * channels)


def _unrolled(w: Workspace, x: np.ndarray, grid: Grid, groups: int) -> Iterator[tuple[slice, np.ndarray]]:
    """Blocks of samples, and their windows as (groups, rows, area · in / groups)."""
    channels = x.shape[-1] // groups
    for part in blocks(len(x), grid.area * int(np.prod(grid.counts)) * x.shape[-1]):
        whole = grid.padded(w, x[part])
        windows = np.moveaxis(grid.views(whole.reshape(*whole.shape[:-1], groups, channels)), -2, 0)
        columns = w.temporary("columns", windows.shape)
        columns[...] = windows
        yield part, columns.reshape(groups, -1, grid.area * channels)


def _rows(array: np.ndarray, groups: int) -> np.ndarray:
    """(groups, rows, channels / groups), a view."""
    return array.reshape(-1, groups, array.shape[-1] // groups).transpose(1, 0, 2)
