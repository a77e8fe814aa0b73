"""y[i, j, f] = b[f] + Σ_{u,v,c} x[i·s + u·d − p, j·s + v·d − p, c] · W[u, v, c, f] straight from x, for any window.

A block of x with its margins stays in the cache; nothing is unrolled. ROWS pixels of y at a time are summed
in registers, each with its own place in x, so they may lie in different rows or images.
"""

import numpy as np
from numba import types

from bpcore.kernels.blocks import fill, lanes, rounded, steps
from bpcore.kernels.compiled import helper, kernel, read
from bpcore.kernels.vectors import BYTES, ROWS, address, narrow, wide

PAIR = types.UniTuple(types.int64, 2)


@kernel(lambda real: (read(real, 4), read(real, 4), read(real, 1), real[:, :, :, :], PAIR, PAIR, PAIR, PAIR, real[::1], real[::1]))
def correlate(x, weight, bias, y, before, stride, dilation, block, whole, panels):
    """x: (n, height, width, channels), weight: (u, v, channels, filters), bias: (filters,) or (0,), y: (n, rows,
    columns, filters); the numbers of a pixel and of a filter side by side. `block`: images and rows of y at a time.

    Scratch: `whole` holds a block of x with its margins, `panels` weight and bias with filters in whole pairs of
    vectors.
    """
    images, high = block
    n, rows, columns, filters = y.shape
    reach = (weight.shape[0] - 1) * dilation[0] + 1
    width = (columns - 1) * stride[1] + (weight.shape[1] - 1) * dilation[1] + 1
    pixel = x.shape[3] * x.itemsize
    start = panels[_pack(weight, bias, panels):]
    jumps = _jumps(weight, dilation, width * pixel, pixel)
    sources = places(block, columns, ((high - 1) * stride[0] + reach) * width * pixel, stride[0] * width * pixel, stride[1] * pixel)
    targets = places(block, columns, y.strides[0], y.strides[1], y.strides[2])
    for image in range(0, n, images):
        for top in range(0, rows, high):
            some, few = min(images, n - image), min(high, rows - top)
            fill(whole, (some, (few - 1) * stride[0] + reach, width), pixel, x, image, top * stride[0] - before[0], -before[1])
            place = address(y) + image * y.strides[0] + top * y.strides[1]
            _multiply(whole, sources, panels, start, jumps, weight, place, targets, some * few * columns)


@helper
def _pack(weight, bias, panels):
    """panels (filters / 2 vectors, u · v · channels, 2 vectors) = weight, then bias; zeros behind the last filter.
    Returns where the bias starts."""
    high, wide, channels, filters = weight.shape
    across, terms, k = 2 * lanes(weight), high * wide * channels, 0
    end = rounded(filters, across) * terms
    panels[:end + rounded(filters, across)] = 0
    for u in range(high):
        for v in range(wide):
            for c in range(channels):
                for first in range(0, filters, across):
                    place = (first * terms + k * across)
                    for f in range(min(across, filters - first)):
                        panels[place + f] = weight[u, v, c, first + f]
                k += 1
    panels[end:end + len(bias)] = bias
    return end


@helper
def _jumps(weight, dilation, row, pixel):
    """For each run of numbers that lie side by side in x: how far it is into x, and its weights into their panel.

    Without dilation a run is a row of the window, else one place of it.
    """
    high, wide, channels = weight.shape[:3]
    runs = 1 if dilation[1] == 1 else wide
    jumps = np.empty((high * runs, 2), np.int64)
    for i in range(len(jumps)):
        jumps[i, 0] = i // runs * dilation[0] * row + i % runs * dilation[1] * pixel
        jumps[i, 1] = i * (wide // runs) * channels * 2 * BYTES
    return jumps


@helper
def places(block, columns, image, row, column):
    """Where each pixel of a block lies, and as many further ones as the last step may take."""
    images, high = block
    found, i = np.empty(images * high * columns + ROWS, np.int64), 0
    for a in range(images):
        for b in range(high):
            for c in range(columns):
                found[i] = a * image + b * row + c * column
                i += 1
    found[i:] = found[i - 1]
    return found


@helper
def groups_of_pixels(sources, targets, pixels):
    """Tables of ROWS pixels at least, and how many pixels they have: the last one again where there are fewer."""
    if pixels >= ROWS:
        return sources, targets, pixels
    from_, to = np.empty(ROWS, np.int64), np.empty(ROWS, np.int64)
    for r in range(ROWS):
        from_[r], to[r] = sources[min(r, pixels - 1)], targets[min(r, pixels - 1)]
    return from_, to, ROWS


@helper
def _multiply(whole, sources, panels, start, jumps, weight, place, targets, pixels):
    """The pixels of y in a block, a panel of filters after the other. The last ROWS may begin among those before: they
    are the same once more."""
    across, filters, size = 2 * lanes(weight), weight.shape[3], weight.itemsize
    terms, same = weight.shape[0] * weight.shape[1] * weight.shape[2], steps(0)
    x, count, length = address(whole), len(jumps), terms // len(jumps)
    sources, targets, pixels = groups_of_pixels(sources, targets, pixels)
    for first in range(0, filters, across):
        b, begin, some, c = address(panels) + first * terms * size, address(start) + first * size, filters - first, place + first * size
        for pixel in range(0, pixels, ROWS):
            place_of = 8 * min(pixel, pixels - ROWS)
            source, target = address(sources) + place_of, address(targets) + place_of
            if some * size > BYTES:
                wide(weight, begin, address(same), x, source, b, address(jumps), count, length, size, 2 * BYTES, c, target, some)
            else:
                narrow(weight, begin, address(same), x, source, b, address(jumps), count, length, size, 2 * BYTES, c, target, some)
