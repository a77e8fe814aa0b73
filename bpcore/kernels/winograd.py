"""y = x ⋆ W + b for a square window of 3 or 5 without stride or dilation, with a quarter of the multiplications.

Y = Aᵀ [Σ_c (G W Gᵀ) ⊙ (Bᵀ X B)] A for each tile of 4×4 pixels of y (of 2×2 with a window of 5), of which X are the
6×6 of x that its windows reach. At each of the 36 places of a tile, Σ_c is a matrix product over all tiles of a
block. interpolation.py has the constants.
"""

import numpy as np

from bpcore.kernels.blocks import fill, lanes, rounded, steps
from bpcore.kernels.compiled import helper, kernel, read
from bpcore.kernels.correlation import PAIR
from bpcore.kernels.interpolation import REACH, a, b, g, transposed
from bpcore.kernels.vectors import BYTES, ROWS, WHOLE, address, copy, narrow, sandwich, wide

PLACES = REACH * REACH
# Aᵀ · this place · A is 1 at every pixel: what a bias is added to.
EVERYWHERE = REACH + 1

_into = sandwich(transposed(b()))
_out_of_3, _out_of_5 = sandwich(transposed(a(4))), sandwich(transposed(a(2)))
_spread_3, _spread_5 = sandwich(g(3)), sandwich(g(5))


@kernel(lambda real: (read(real, 4), read(real, 4), read(real, 1), real[:, :, :, :], PAIR, PAIR, *[real[::1]] * 4))
def correlate(x, weight, bias, y, before, block, whole, panels, tiles, products):
    """Shapes as in correlation.py; `block`: images, and rows of tiles at a time.

    Scratch: `whole` holds a block of x with its margins, `panels` weight and bias, `tiles` and `products` both
    sides of the matrix products.
    """
    images, high = block
    n, rows, columns, filters = y.shape
    pixel, across = rounded(x.shape[3] * x.itemsize, BYTES), rounded(filters * x.itemsize, BYTES)
    window, side = weight.shape[0], REACH + 1 - weight.shape[0]
    wide_tiles, high_tiles = -(-columns // side), -(-rows // side)
    room = rounded(images * high * wide_tiles, ROWS)
    one, other = apart(room * pixel), apart(room * across)
    _transform_weights(weight, bias, panels)
    for image in range(0, n, images):
        for top in range(0, high_tiles, high):
            some, few = min(images, n - image), min(high, high_tiles - top)
            shape = some, few * side + window - 1, wide_tiles * side + window - 1
            fill(whole, shape, pixel, x, image, top * side - before[0], -before[1])
            transform_input(whole, shape, pixel, side, tiles, one)
            _multiply(weight, panels, tiles, one, pixel, products, other, across, some * few * wide_tiles)
            _transform_output(products, other, across, side, y, image, top * side, some, few)


@helper
def apart(bytes):
    """How far the places of a tile lie apart: an odd number of lines, or they would crowd into a few sets of the cache."""
    return (rounded(bytes, 64) // 64 | 1) * 64


@helper
def _transform_weights(weight, bias, panels):
    """panels (places; filters / 2 vectors, channels, 2 vectors) = G W Gᵀ, then zeros and the bias; zeros behind the
    last filter."""
    window, _, channels, filters = weight.shape
    size, each = weight.itemsize, lanes(weight)
    across = rounded(filters, 2 * each)
    patch, step = np.zeros(window * window * each, weight.dtype), apart(channels * across * size)
    for c in range(channels):
        for first in range(0, across, each):
            source, down, right, some = address(patch), window * BYTES, BYTES, min(each, filters - first)
            if some == each and weight.strides[3] == size:
                source, down, right = address(weight) + c * weight.strides[2] + first * size, weight.strides[0], weight.strides[1]
            else:
                for u in range(window):
                    for v in range(window):
                        for f in range(each):
                            patch[(u * window + v) * each + f] = weight[u, v, c, first + f] if f < some else 0
            target = address(panels) + (first // (2 * each) * 2 * channels + 2 * c + first // each % 2) * BYTES
            if window == 3:
                _spread_3(weight, source, down, right, target, REACH * step, step)
            else:
                _spread_5(weight, source, down, right, target, REACH * step, step)
    end = PLACES * step // size
    panels[end:end + 2 * across] = 0
    for f in range(len(bias)):
        panels[end + across + f] = bias[f]


@helper
def transform_input(whole, shape, pixel, side, tiles, step):
    """tiles (places, `step` bytes each; tile, channel) = Bᵀ X B for the tiles of whole (shape, pixel bytes)."""
    images, lines, columns = shape
    target, high = address(tiles), (lines - REACH) // side + 1
    for line in range(images * high):
        row = line // high * lines + line % high * side
        for column in range(0, columns + 1 - REACH, side):
            source = address(whole) + (row * columns + column) * pixel
            for i in range(0, pixel, BYTES):
                _into(whole, source + i, columns * pixel, pixel, target + i, REACH * step, step)
            target += pixel


@helper
def _multiply(weight, panels, tiles, one, pixel, products, other, across, count):
    """products (places, `other` bytes each; tile, filter) = tiles · panels, for so many tiles."""
    channels, filters, size = weight.shape[2], weight.shape[3], weight.itemsize
    step = apart(channels * rounded(filters * size, 2 * BYTES))
    jumps, sources, targets, same = np.zeros(2, np.int64), steps(pixel), steps(across), steps(0)
    for place in range(PLACES):
        start = address(panels) + PLACES * step + (rounded(filters * size, 2 * BYTES) if place == EVERYWHERE else 0)
        for i in range(0, across, 2 * BYTES):
            panel = address(panels) + place * step + i * channels
            for tile in range(0, count, ROWS):
                source, target = address(tiles) + place * one + tile * pixel, address(products) + place * other + tile * across + i
                if across - i > BYTES:
                    wide(weight, start + i, address(same), source, address(sources), panel, address(jumps), 1, channels, size, 2 * BYTES,
                         target, address(targets), WHOLE)
                else:
                    narrow(weight, start + i, address(same), source, address(sources), panel, address(jumps), 1, channels, size, 2 * BYTES,
                           target, address(targets), WHOLE)


@helper
def _transform_output(products, step, across, side, y, image, top, images, high):
    """Aᵀ M A into y; of tiles over its edge, or of less than a vector of filters, what lies in y."""
    _, rows, columns, filters = y.shape
    size, patch, source = y.itemsize, np.empty(side * side * lanes(y), y.dtype), address(products)
    for line in range(images * high):
        row = top + line % high * side
        for column in range(0, columns, side):
            place = address(y) + (image + line // high) * y.strides[0] + row * y.strides[1] + column * y.strides[2]
            for i in range(0, across, BYTES):
                complete = row + side <= rows and column + side <= columns and i + BYTES <= filters * size
                to, down, right = (place + i, y.strides[1], y.strides[2]) if complete else (address(patch), side * BYTES, BYTES)
                if side == 4:
                    _out_of_3(y, source + i, REACH * step, step, to, down, right)
                else:
                    _out_of_5(y, source + i, REACH * step, step, to, down, right)
                if not complete:
                    for u in range(min(side, rows - row)):
                        for v in range(min(side, columns - column)):
                            pixel = place + i + u * y.strides[1] + v * y.strides[2]
                            copy(pixel, address(patch) + (u * side + v) * BYTES, min(BYTES, filters * size - i))
            source += across
