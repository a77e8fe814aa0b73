"""The gradient of ⟨x ⋆ W, dy⟩ with respect to W, straight from x and dy, for any window:
dW[u, v, c, f] = Σ_{n,i,j} x[n, i·s + u·d − p, j·s + v·d − p, c] · dy[n, i, j, f].

The numbers of a row of the window lie side by side in x, so they are a vector; ROWS filters at a time are
summed in registers over all pixels of a block, then added to the total.
"""

import numpy as np

from bpcore.kernels.blocks import fill, rounded
from bpcore.kernels.compiled import helper, kernel, read
from bpcore.kernels.correlation import PAIR
from bpcore.kernels.vectors import BYTES, ROWS, address, narrow, wide


@kernel(lambda real: (read(real, 4), read(real, 4), real[:, :, :, :], PAIR, PAIR, PAIR, PAIR, real[::1], real[::1]))
def correlate_weight(x, dy, dweight, before, stride, dilation, block, whole, total):
    """Shapes as in correlation.py; `block`: images and rows of dy at a time.

    Scratch: `whole` holds a block of x with its margins, and a vector pair more; `total` the gradient as
    (filters, runs, numbers of a run in whole pairs of vectors), both rounded up.
    """
    images, high = block
    n, rows, columns, filters = dy.shape
    reach = (dweight.shape[0] - 1) * dilation[0] + 1
    width = (columns - 1) * stride[1] + (dweight.shape[1] - 1) * dilation[1] + 1
    pixel, size = x.shape[3] * x.itemsize, x.itemsize
    runs, length = _runs(dweight, dilation)
    row = rounded(length * size, 2 * BYTES)
    total[:rounded(filters, ROWS) * runs * row // size] = 0
    jumps = np.empty((images * high, 2), np.int64)
    for image in range(0, n, images):
        for top in range(0, rows, high):
            some, few = min(images, n - image), min(high, rows - top)
            lines = (few - 1) * stride[0] + reach
            fill(whole, (some, lines, width), pixel, x, image, top * stride[0] - before[0], -before[1])
            for i in range(some * few):
                jumps[i, 0] = (image + i // few) * dy.strides[0] + (top + i % few) * dy.strides[1]
                jumps[i, 1] = (i // few * lines + i % few * stride[0]) * width * pixel
            for run in range(runs):
                u, v = divmod(run, runs // dweight.shape[0])
                source = address(whole) + u * dilation[0] * width * pixel + v * dilation[1] * pixel
                _add(dy, jumps, some * few, source, stride[1] * pixel, length * size, address(total) + run * row, runs * row)
    _unpack(total, runs, length, row // size, dweight)


@helper
def _runs(dweight, dilation):
    """How many, and how many numbers each: without dilation a row of the window, else one place of it."""
    high, wide, channels = dweight.shape[:3]
    return (high, wide * channels) if dilation[1] == 1 else (high * wide, channels)


@helper
def _add(dy, jumps, count, source, step, run, target, filter):
    """target += dyᵀ · the run of `run` bytes at `source`, for all filters, `filter` bytes apart, over `count` rows of pixels."""
    filters, columns, size = dy.shape[3], dy.shape[2], dy.itemsize
    own = np.empty(ROWS, np.int64)
    for first in range(0, filters, ROWS):
        for r in range(ROWS):
            own[r] = min(first + r, filters - 1) * size
        rows = np.arange(first, first + ROWS) * filter
        for i in range(0, run, 2 * BYTES):
            if run - i > BYTES:
                wide(dy, target + i, address(rows), address(dy), address(own), source + i, address(jumps), count, columns,
                     dy.strides[2], step, target + i, address(rows))
            else:
                narrow(dy, target + i, address(rows), address(dy), address(own), source + i, address(jumps), count, columns,
                       dy.strides[2], step, target + i, address(rows))


@helper
def _unpack(total, runs, length, row, dweight):
    """dweight = total (filters, runs, row), of each row the first `length` numbers."""
    high, wide, channels, filters = dweight.shape
    for f in range(filters):
        place = f * runs * row
        for u in range(high):
            for v in range(wide):
                for c in range(channels):
                    dweight[u, v, c, f] = total[place + c]
                place += channels if length > channels else row
            place += row - length if length > channels else 0
