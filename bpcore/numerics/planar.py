"""One group's cross-correlation on two axes: which kernel does it, in which blocks, with which memory.

A square window of 3 or 5 without stride or dilation goes through kernels/winograd.py where that takes fewer
operations, any other straight through kernels/correlation.py. All of it depends on sizes alone, and so do the bits.
"""

from math import prod

import numpy as np

from bpcore import kernels
from bpcore.layers import Workspace
from bpcore.numerics.blocks import planes
from bpcore.numerics.windows import Grid

# Numbers of a block that stay in the cache: of x and y; of both sides of Winograd's products.
DIRECT, WINOGRAD = 1 << 16, 5 << 15
LEAST = 64  # tiles, so that the fetching of Winograd's weights is worth while

REACH = 6  # pixels a side that a tile of Winograd's takes from x
PLACES = REACH * REACH


def correlate(w: Workspace, x: np.ndarray, weight: np.ndarray, bias: np.ndarray, grid: Grid, y: np.ndarray) -> None:
    """y = x ⋆ weight + bias; an empty bias is none. Shapes as in kernels/correlation.py."""
    x, filters = side_by_side(x), y.shape[-1]
    across = rounded(filters, 2 * lanes(w))
    if winograd_pays(grid, len(x), x.shape[-1], filters):
        block, whole, tiles, products = _tiles(w, grid, x.shape, filters)
        panels = w.temporary("panels", (PLACES * (across * x.shape[-1] + 32) + 2 * across,))
        kernels.winograd.correlate(x, weight, bias, y, grid.before, block, whole, panels, tiles, products)
    else:
        block, whole = block_of(w, grid, x.shape, filters)
        panels = w.temporary("panels", (across * (grid.area * x.shape[-1] + 1),))
        kernels.correlation.correlate(x, weight, bias, y, grid.before, grid.stride, grid.dilation, block, whole, panels)


def correlate_weight(w: Workspace, x: np.ndarray, dy: np.ndarray, grid: Grid, dweight: np.ndarray) -> None:
    """dweight = the gradient of ⟨x ⋆ weight, dy⟩ with respect to weight."""
    x, dy, filters, each = side_by_side(x), side_by_side(dy), dy.shape[-1], lanes(w)
    if winograd_pays(grid, len(x), x.shape[-1], filters):
        block, whole, tiles, others = _tiles(w, grid, x.shape, filters)
        total = w.temporary("total", (PLACES * (rounded(x.shape[-1], each) * rounded(filters, each) + 32),))
        kernels.winograd_weight.correlate_weight(x, dy, dweight, grid.before, block, whole, total, tiles, others)
    else:
        block, whole = block_of(w, grid, x.shape, filters)
        others = w.temporary("products", (prod(block) * grid.counts[1] * rounded(filters, each),))
        total = w.temporary("total", (rounded(grid.area * x.shape[-1], kernels.vectors.ROWS) * rounded(filters, each),))
        kernels.correlation_weight.correlate_weight(x, dy, dweight, grid.before, grid.stride, grid.dilation, block, whole, others, total)


def winograd_pays(grid: Grid, n: int, channels: int, filters: int) -> bool:
    """Whether it takes fewer operations on vectors of 16 numbers, its transforms and the fetching of its weights counted."""
    if grid.window not in ((3, 3), (5, 5)) or (*grid.stride, *grid.dilation) != (1, 1, 1, 1):
        return False
    tiles, inner, outer = n * prod(_tile_counts(grid)), -(-channels // 16), -(-filters // 16)
    weights = channels * outer * (150 if channels * filters < 1 << 13 else 1200)
    return tiles * (PLACES * channels * outer + 340 * inner + 220 * outer) + weights < n * prod(grid.counts) * grid.area * channels * outer


def block_of(w: Workspace, grid: Grid, x: tuple[int, ...], filters: int) -> tuple[tuple[int, int], np.ndarray]:
    """How many images, and rows of y of each, at a time; and memory for what of x they reach."""
    row = ((grid.counts[1] - 1) * grid.stride[1] + grid.reach[1]) * x[-1]
    more = grid.reach[0] - grid.stride[0]  # rows of x beside those that each row of y brings
    images, high = planes(x[0], grid.counts[0], max(0, more * row), grid.stride[0] * row + grid.counts[1] * filters, DIRECT)
    return (images, high), w.temporary("whole", (images * (high * grid.stride[0] + more) * row + 2 * lanes(w),))


def _tiles(w: Workspace, grid: Grid, x: tuple[int, ...], filters: int) -> tuple[tuple[int, int], np.ndarray, np.ndarray, np.ndarray]:
    """How many images, and rows of tiles of each, at a time; memory for what of x they reach, and for both sides of
    the products."""
    (rows, columns), side, margin = _tile_counts(grid), REACH + 1 - grid.window[0], grid.window[0] - 1
    one, other = (rounded(count, lanes(w)) for count in (x[-1], filters))
    images, high = planes(x[0], rows, 0, columns, max(LEAST, WINOGRAD // (PLACES * (one + other))))
    room = rounded(images * high * columns, kernels.vectors.ROWS)
    whole = w.temporary("whole", (images * (high * side + margin) * (columns * side + margin) * one,))
    sides = (w.temporary(name, (PLACES * (room * count + 32),)) for name, count in (("tiles", one), ("products", other)))
    return (images, high), whole, *sides


def _tile_counts(grid: Grid) -> tuple[int, int]:
    """Of an image, down and across."""
    return tuple(-(-count // (REACH + 1 - length)) for count, length in zip(grid.counts, grid.window))


def lanes(w: Workspace) -> int:
    """Numbers in a vector."""
    return kernels.vectors.BYTES // w.y.itemsize


def rounded(count: int, step: int) -> int:
    """The next multiple of `step`."""
    return -(-count // step) * step


def side_by_side(x: np.ndarray) -> np.ndarray:
    """x with the channels of a pixel one behind the other in memory, as kernels read them."""
    return x if x.shape[-1] == 1 or x.strides[-1] == x.itemsize else np.ascontiguousarray(x)
