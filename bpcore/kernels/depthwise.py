"""The convolution of each channel by itself: y[i, j, c] = b[c] + Σ_{u,v} x[i·s + u·d − p, j·s + v·d − p, c] · W[u, v, c], and
its gradient with respect to W.

As correlation.py, but a vector is channels on both sides: nothing is added up across them.
"""

import numpy as np

from bpcore.kernels.blocks import fill, lanes, rounded, steps
from bpcore.kernels.compiled import helper, kernel, read
from bpcore.kernels.correlation import PAIR, groups_of_pixels, places
from bpcore.kernels.vectors import BYTES, ROWS, WHOLE, address, lanewise


@kernel(lambda real: (read(real, 4), read(real, 3), read(real, 1), real[:, :, :, :], PAIR, PAIR, PAIR, PAIR, real[::1], real[::1]))
def correlate(x, weight, bias, y, before, stride, dilation, block, whole, panels):
    """x: (n, height, width, channels), weight: (u, v, channels), bias: (channels,) or (0,), y: (n, rows, columns, channels);
    `block`: images and rows of y at a time.

    Scratch: `whole` holds a block of x with its margins and channels in whole vectors, `panels` weight and bias likewise.
    """
    images, high = block
    n, rows, columns, channels = y.shape
    reach = (weight.shape[0] - 1) * dilation[0] + 1
    width = (columns - 1) * stride[1] + (weight.shape[1] - 1) * dilation[1] + 1
    pixel = rounded(channels * x.itemsize, BYTES)
    begin = _pack(weight, bias, panels)
    jumps = _jumps(weight, dilation, width * pixel, pixel)
    sources = places(block, columns, ((high - 1) * stride[0] + reach) * width * pixel, stride[0] * width * pixel, stride[1] * pixel)
    targets = places(block, columns, y.strides[0], y.strides[1], y.strides[2])
    same = steps(0)
    for image in range(0, n, images):
        for top in range(0, rows, high):
            some, few = min(images, n - image), min(high, rows - top)
            fill(whole, (some, (few - 1) * stride[0] + reach, width), pixel, x, image, top * stride[0] - before[0], -before[1])
            place = address(y) + image * y.strides[0] + top * y.strides[1]
            from_, to, pixels = groups_of_pixels(sources, targets, some * few * columns)
            for first in range(0, pixels, ROWS):
                place_of = 8 * min(first, pixels - ROWS)
                for i in range(0, pixel, BYTES):
                    lanewise(x, begin + i, address(same), address(whole) + i, address(from_) + place_of, address(panels) + i,
                             address(jumps), len(jumps), 1, 0, 0, place + i, address(to) + place_of, channels - i // x.itemsize)


@kernel(lambda real: (read(real, 4), read(real, 4), real[:, :, :], PAIR, PAIR, PAIR, PAIR, *[real[::1]] * 3))
def correlate_weight(x, dy, dweight, before, stride, dilation, block, whole, others, total):
    """The same shapes. Scratch: `whole` and `others` hold a block of x and of dy, `total` the gradient as (u · v, channels),
    rounded up to ROWS and vectors."""
    images, high = block
    n, rows, columns, channels = dy.shape
    reach = (dweight.shape[0] - 1) * dilation[0] + 1
    width = (columns - 1) * stride[1] + (dweight.shape[1] - 1) * dilation[1] + 1
    pixel = rounded(channels * x.itemsize, BYTES)
    taps, jumps, lines = _taps(dweight, dilation, width * pixel, pixel), np.empty((images * high, 2), np.int64), steps(pixel)
    total[:len(taps) * pixel // x.itemsize] = 0
    for image in range(0, n, images):
        for top in range(0, rows, high):
            some, few = min(images, n - image), min(high, rows - top)
            tall = (few - 1) * stride[0] + reach
            fill(whole, (some, tall, width), pixel, x, image, top * stride[0] - before[0], -before[1])
            fill(others, (some, few, columns), pixel, dy, image, top, 0)
            for i in range(some * few):
                jumps[i, 0] = (i // few * tall + i % few * stride[0]) * width * pixel
                jumps[i, 1] = i * columns * pixel
            for i in range(0, pixel, BYTES):
                for k in range(0, len(taps), ROWS):
                    target = address(total) + k * pixel + i
                    lanewise(x, target, address(lines), address(whole) + i, address(taps) + k * 8, address(others) + i, address(jumps),
                             some * few, columns, stride[1] * pixel, pixel, target, address(lines), WHOLE)
    for u in range(dweight.shape[0]):
        for v in range(dweight.shape[1]):
            for c in range(channels):
                dweight[u, v, c] = total[(u * dweight.shape[1] + v) * pixel // x.itemsize + c]


@helper
def _pack(weight, bias, panels):
    """panels (u · v + 1, channels in whole vectors) = weight, then bias. Returns where the bias starts."""
    high, wide, channels = weight.shape
    across = rounded(channels, lanes(weight))
    panels[:(high * wide + 1) * across] = 0
    for u in range(high):
        for v in range(wide):
            for c in range(channels):
                panels[(u * wide + v) * across + c] = weight[u, v, c]
    for c in range(len(bias)):
        panels[high * wide * across + c] = bias[c]
    return address(panels) + high * wide * across * weight.itemsize


@helper
def _jumps(weight, dilation, row, pixel):
    """(u · v, 2): how far each place of the window is into x, and its weights into theirs."""
    jumps = np.empty((weight.shape[0] * weight.shape[1], 2), np.int64)
    for i in range(len(jumps)):
        jumps[i, 0] = i // weight.shape[1] * dilation[0] * row + i % weight.shape[1] * dilation[1] * pixel
        jumps[i, 1] = i * pixel
    return jumps


@helper
def _taps(dweight, dilation, row, pixel):
    """The first of both, the last one again up to the next ROWS."""
    count = dweight.shape[0] * dweight.shape[1]
    taps = np.empty(rounded(count, ROWS), np.int64)
    taps[:count] = _jumps(dweight, dilation, row, pixel)[:, 0]
    taps[count:] = taps[count - 1]
    return taps
