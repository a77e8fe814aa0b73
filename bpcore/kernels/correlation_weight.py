"""The gradient of ⟨x ⋆ W, dy⟩ with respect to W, straight from x and dy, for any window:
dW[u, v, c, f] = Σ_{n,i,j} x[n, i·s + u·d − p, j·s + v·d − p, c] · dy[n, i, j, f].

The filters of a pixel of dy are vectors; ROWS weights at a time, each with its own place in x, are summed in
registers over all pixels of a block, then added to the total.
"""

import numpy as np

from bpcore.kernels.blocks import fill, rounded, steps
from bpcore.kernels.compiled import helper, kernel, read
from bpcore.kernels.correlation import PAIR
from bpcore.kernels.vectors import BYTES, ROWS, WHOLE, address, narrow, wide


@kernel(lambda real: (read(real, 4), read(real, 4), real[:, :, :, :], PAIR, PAIR, PAIR, PAIR, *[real[::1]] * 3))
def correlate_weight(x, dy, dweight, before, stride, dilation, block, whole, others, total):
    """Shapes as in correlation.py; `block`: images and rows of dy at a time.

    Scratch: `whole` holds a block of x with its margins, `others` one of dy with filters in whole vectors, where that is
    not what they are; `total` the gradient as (u · v · channels, filters), both rounded up to ROWS and vectors.
    """
    images, high = block
    n, rows, columns, filters = dy.shape
    reach = (dweight.shape[0] - 1) * dilation[0] + 1
    width = (columns - 1) * stride[1] + (dweight.shape[1] - 1) * dilation[1] + 1
    pixel, across = x.shape[3] * x.itemsize, rounded(filters * x.itemsize, BYTES)
    taps, jumps = _taps(dweight, dilation, width * pixel, pixel), np.empty((images * high, 2), np.int64)
    total[:len(taps) * across // x.itemsize] = 0
    for image in range(0, n, images):
        for top in range(0, rows, high):
            some, few = min(images, n - image), min(high, rows - top)
            lines = (few - 1) * stride[0] + reach
            fill(whole, (some, lines, width), pixel, x, image, top * stride[0] - before[0], -before[1])
            source, image_step, row_step, step = address(dy) + image * dy.strides[0] + top * dy.strides[1], *dy.strides[:3]
            if across != filters * x.itemsize:
                fill(others, (some, few, columns), across, dy, image, top, 0)
                source, image_step, row_step, step = address(others), few * columns * across, columns * across, across
            for i in range(some * few):
                jumps[i, 0] = (i // few * lines + i % few * stride[0]) * width * pixel
                jumps[i, 1] = i // few * image_step + i % few * row_step
            _add(dy, whole, taps, stride[1] * pixel, source, step, jumps, some * few, total, across)
    k = 0
    for u in range(dweight.shape[0]):
        for v in range(dweight.shape[1]):
            for c in range(dweight.shape[2]):
                for f in range(filters):
                    dweight[u, v, c, f] = total[k + f]
                k += across // x.itemsize


@helper
def _taps(dweight, dilation, row, pixel):
    """Where each weight finds its first factor in a block of x; the last one again up to the next ROWS."""
    high, wide, channels, _ = dweight.shape
    taps = np.empty(rounded(high * wide * channels, ROWS), np.int64)
    for u in range(high):
        for v in range(wide):
            for c in range(channels):
                taps[(u * wide + v) * channels + c] = u * dilation[0] * row + v * dilation[1] * pixel + c * dweight.itemsize
    taps[high * wide * channels:] = taps[high * wide * channels - 1]
    return taps


@helper
def _add(dy, whole, taps, step, others, other_step, jumps, count, total, across):
    """total += the products of a block, over `count` rows of pixels."""
    rows, columns = steps(across), dy.shape[2]
    for i in range(0, across, 2 * BYTES):
        for k in range(0, len(taps), ROWS):
            target = address(total) + k * across + i
            if across - i > BYTES:
                wide(dy, target, address(rows), address(whole), address(taps) + k * 8, others + i, address(jumps), count, columns,
                     step, other_step, target, address(rows), WHOLE)
            else:
                narrow(dy, target, address(rows), address(whole), address(taps) + k * 8, others + i, address(jumps), count, columns,
                       step, other_step, target, address(rows), WHOLE)
