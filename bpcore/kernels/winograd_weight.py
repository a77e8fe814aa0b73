"""The gradient with respect to W of what winograd.py computes:
dW = Gᵀ [Σ_tiles (Bᵀ X B) ⊙ (A dY Aᵀ)] G, over all tiles X of 6×6 pixels of x and dY of 4×4 (2×2) of dy.
"""

import numpy as np

from bpcore.kernels.blocks import fill, lanes, rounded, steps
from bpcore.kernels.compiled import helper, kernel, read
from bpcore.kernels.correlation import PAIR
from bpcore.kernels.interpolation import REACH, a, g, transposed
from bpcore.kernels.vectors import BYTES, ROWS, WHOLE, address, clear, copy, narrow, sandwich, wide
from bpcore.kernels.winograd import PLACES, apart, transform_input

_spread_3, _spread_5 = sandwich(a(4)), sandwich(a(2))
_gather_3, _gather_5 = sandwich(transposed(g(3))), sandwich(transposed(g(5)))


@kernel(lambda real: (read(real, 4), read(real, 4), real[:, :, :, :], PAIR, PAIR, *[real[::1]] * 4))
def correlate_weight(x, dy, dweight, before, block, whole, total, tiles, others):
    """Shapes as in correlation.py; `block`: images, and rows of tiles at a time.

    Scratch: `whole` holds a block of x with its margins, `tiles` and `others` both sides of the matrix products,
    `total` the gradient before its last transform.
    """
    images, high = block
    n, rows, columns, filters = dy.shape
    pixel, across = rounded(x.shape[3] * x.itemsize, BYTES), rounded(filters * x.itemsize, BYTES)
    window, side = dweight.shape[0], REACH + 1 - dweight.shape[0]
    wide_tiles, high_tiles = -(-columns // side), -(-rows // side)
    room = rounded(images * high * wide_tiles, ROWS)
    one, other, each = apart(room * pixel), apart(room * across), apart(pixel // x.itemsize * across)
    total[:PLACES * each // x.itemsize] = 0
    for image in range(0, n, images):
        for top in range(0, high_tiles, high):
            some, few = min(images, n - image), min(high, high_tiles - top)
            shape = some, few * side + window - 1, wide_tiles * side + window - 1
            fill(whole, shape, pixel, x, image, top * side - before[0], -before[1])
            transform_input(whole, shape, pixel, side, tiles, one)
            _transform_gradient(dy, image, top * side, some, few, side, others, other, across)
            _multiply(dy, tiles, one, pixel, others, other, across, some * few * wide_tiles, total, each)
    _gather_weights(total, each, across, dweight)


@helper
def _transform_gradient(dy, image, top, images, high, side, others, step, across):
    """others (places, `step` bytes each; tile, filter) = A dY Aᵀ; zeros where dy has nothing."""
    _, rows, columns, filters = dy.shape
    patch, target = np.zeros(side * side * lanes(dy), dy.dtype), address(others)
    for line in range(images * high):
        row = top + line % high * side
        for column in range(0, columns, side):
            place = address(dy) + (image + line // high) * dy.strides[0] + row * dy.strides[1] + column * dy.strides[2]
            for i in range(0, across, BYTES):
                complete = row + side <= rows and column + side <= columns and i + BYTES <= filters * dy.itemsize
                source, down, right = (place + i, dy.strides[1], dy.strides[2]) if complete else (address(patch), side * BYTES, BYTES)
                if not complete:
                    clear(address(patch), side * side * BYTES)
                    for u in range(min(side, rows - row)):
                        for v in range(min(side, columns - column)):
                            pixel = place + i + u * dy.strides[1] + v * dy.strides[2]
                            copy(address(patch) + (u * side + v) * BYTES, pixel, min(BYTES, filters * dy.itemsize - i))
                if side == 4:
                    _spread_3(dy, source, down, right, target + i, REACH * step, step)
                else:
                    _spread_5(dy, source, down, right, target + i, REACH * step, step)
            target += across


@helper
def _multiply(dy, tiles, one, pixel, others, other, across, count, total, each):
    """total (places, `each` bytes each; channel, filter) += tilesᵀ · others, over so many tiles."""
    jumps, sources, targets = np.zeros(2, np.int64), steps(dy.itemsize), steps(across)
    for place in range(PLACES):
        for c in range(0, pixel // dy.itemsize, ROWS):
            source = address(tiles) + place * one + c * dy.itemsize
            for i in range(0, across, 2 * BYTES):
                factors, target = address(others) + place * other + i, address(total) + place * each + c * across + i
                if across - i > BYTES:
                    wide(dy, target, address(targets), source, address(sources), factors, address(jumps), 1, count, pixel, across,
                         target, address(targets), WHOLE)
                else:
                    narrow(dy, target, address(targets), source, address(sources), factors, address(jumps), 1, count, pixel, across,
                           target, address(targets), WHOLE)


@helper
def _gather_weights(total, step, across, dweight):
    """dweight = Gᵀ · total · G."""
    window, _, channels, filters = dweight.shape
    size, each = dweight.itemsize, lanes(dweight)
    patch = np.empty(window * window * each, dweight.dtype)
    for c in range(channels):
        for first in range(0, filters, each):
            source, some = address(total) + c * across + first * size, min(each, filters - first)
            target, down, right = address(patch), window * BYTES, BYTES
            complete = some == each and dweight.strides[3] == size
            if complete:
                target, down, right = address(dweight) + c * dweight.strides[2] + first * size, dweight.strides[0], dweight.strides[1]
            if window == 3:
                _gather_3(dweight, source, REACH * step, step, target, down, right)
            else:
                _gather_5(dweight, source, REACH * step, step, target, down, right)
            if not complete:
                for u in range(window):
                    for v in range(window):
                        for f in range(some):
                            dweight[u, v, c, first + f] = patch[(u * window + v) * each + f]
