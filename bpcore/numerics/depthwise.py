"""The convolution of as many groups as channels: each channel by itself (convolution.py has the general one).

All on two axes, as in kernels/depthwise.py, but weight: (u, v, 1, filters). A channel with several filters stands
beside itself, once for each.
"""

import numpy as np

from bpcore import kernels
from bpcore.layers import Workspace
from bpcore.numerics.planar import block_of, lanes, rounded, side_by_side
from bpcore.numerics.windows import Grid


def correlate(w: Workspace, x: np.ndarray, weight: np.ndarray, bias: np.ndarray, grid: Grid, y: np.ndarray) -> None:
    """y = x ⋆ weight + bias; an empty bias is none."""
    x, across = _beside(w, x, y), rounded(y.shape[-1], lanes(w))
    block, whole = block_of(w, grid, (*x.shape[:3], across), across)
    panels = w.temporary("panels", ((grid.area + 1) * across,))
    kernels.depthwise.correlate(x, weight[:, :, 0], bias, y, grid.before, grid.stride, grid.dilation, block, whole, panels)


def correlate_weight(w: Workspace, x: np.ndarray, dy: np.ndarray, grid: Grid, dweight: np.ndarray) -> None:
    """dweight = the gradient of ⟨x ⋆ weight, dy⟩ with respect to weight."""
    x, dy, across = _beside(w, x, dy), side_by_side(dy), rounded(dy.shape[-1], lanes(w))
    block, whole = block_of(w, grid, (*x.shape[:3], across), across)
    others = w.temporary("products", (block[0] * block[1] * grid.counts[1] * across,))
    total = w.temporary("total", (rounded(grid.area, kernels.vectors.ROWS) * across,))
    kernels.depthwise.correlate_weight(x, dy, dweight[:, :, 0], grid.before, grid.stride, grid.dilation, block, whole, others, total)


def spread(w: Workspace, dy: np.ndarray, weight: np.ndarray, grid: Grid, dx: np.ndarray) -> None:
    """dx = the gradient of ⟨x ⋆ weight, dy⟩ with respect to x, for one kind of windows (Grid.transposed) and the places
    that reach them."""
    filters, none = dy.shape[-1] // dx.shape[-1], np.empty(0, dx.dtype)
    if filters == 1:
        return correlate(w, dy, weight, none, grid, dx)
    several = w.temporary("beside", (*dx.shape, filters))
    correlate(w, dy, weight, none, grid, several.reshape(*dx.shape[:-1], dy.shape[-1]))
    np.add(several[..., 0], several[..., 1], out=dx)
    for f in range(2, filters):
        dx += several[..., f]


def _beside(w: Workspace, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """x with each channel as often as it has filters in y."""
    filters = y.shape[-1] // x.shape[-1]
    if filters == 1:
        return side_by_side(x)
    several = w.temporary("beside", (*x.shape, filters))
    for f in range(filters):  # numbers in long rows, where a broadcast would take them in short ones
        several[..., f] = x
    return several.reshape(*x.shape[:-1], y.shape[-1])
