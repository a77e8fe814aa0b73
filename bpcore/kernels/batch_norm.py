"""batch_norm's passes over memory: one for the moments, one for the output, one for the sums behind the gradient, one
for the gradient. With `rectified` relu is done in the same passes.

1. Arrays are flat, channels last, and gone through as channels.py says.
2. Sums are of a block first, and then in float64: long ones keep their digits.
"""

import numpy as np
from numba import types

from bpcore.kernels.channels import folded, long_row, repeated
from bpcore.kernels.compiled import kernel, read
from bpcore.kernels.vectors import address, copy

BLOCK = 1 << 15  # numbers; 128 KiB in float32


@kernel(lambda real: (read(real, 1, "C"), types.float64[::1], types.float64[::1]))
def moments(x, mean, squares):
    """mean: μ of each channel, squares: Σ (x − μ)². Those of each block are summed about its own mean, then joined
    (Chan, Golub & LeVeque, "Algorithms for computing the sample variance", The American Statistician 37:3, 1983)."""
    channels = len(mean)
    sums = np.empty(long_row(channels), x.dtype)
    block = max(1, BLOCK // len(sums)) * len(sums)
    mean[:], squares[:] = 0, 0
    for start in range(0, len(x), block):
        part = x[start:start + block]
        before, own = start // channels, len(part) // channels
        sums[:] = 0
        for i in range(0, len(part), len(sums)):
            row = part[i:i + len(sums)]
            for j in range(len(row)):
                sums[j] += row[j]
        middle = folded(sums, channels)
        for c in range(channels):
            middle[c] /= own
        about = repeated(middle, x)
        sums[:] = 0
        for i in range(0, len(part), len(sums)):
            row = part[i:i + len(sums)]
            for j in range(len(row)):
                apart = row[j] - about[j]
                sums[j] += apart * apart
        apart_from_own = folded(sums, channels)
        for c in range(channels):
            between = middle[c] - mean[c]
            squares[c] += apart_from_own[c] + between * between * before * own / (before + own)
            mean[c] += between * own / (before + own)


@kernel(lambda real: (read(real, 1, "C"), read(real, 1, "C"), read(real, 1, "C"), read(real, 1, "C"), types.boolean, real[::1]))
def normalize(x, mean, scale, shift, rectified, y):
    """y = (x − mean) · scale + shift; rectified: 0 where that is negative."""
    width, zero = long_row(len(mean)), x.dtype.type(0)
    about, factor, more = repeated(mean, x), repeated(scale, x), repeated(shift, x)
    for i in range(0, len(x), width):
        row, out = x[i:i + width], y[i:i + width]
        for j in range(len(row)):
            value = (row[j] - about[j]) * factor[j] + more[j]
            out[j] = zero if rectified and value < 0 else value


@kernel(lambda real: (read(real, 1, "C"), read(real, 1, "C"), read(real, 1, "C"), read(real, 1, "C"), read(real, 1, "C"), types.boolean, types.float64[::1],
                      types.float64[::1]))
def gradient_sums(dy, x, mean, scale, shift, rectified, total, product):
    """total: Σ dy of each channel, product: Σ dy (x − mean); rectified: over what `normalize` left above 0."""
    width, channels, zero = long_row(len(mean)), len(mean), x.dtype.type(0)
    about, factor, more = repeated(mean, x), repeated(scale, x), repeated(shift, x)
    first, second = np.empty(width, x.dtype), np.empty(width, x.dtype)
    block = max(1, BLOCK // width) * width
    total[:], product[:] = 0, 0
    for start in range(0, len(x), block):
        part, dpart = x[start:start + block], dy[start:start + block]
        first[:], second[:] = 0, 0
        for i in range(0, len(part), width):
            row, drow = part[i:i + width], dpart[i:i + width]
            for j in range(len(row)):
                apart = row[j] - about[j]
                value = drow[j]
                value = zero if rectified and not apart * factor[j] + more[j] > 0 else value
                first[j] += value
                second[j] += value * apart
        total += folded(first, channels)
        product += folded(second, channels)


@kernel(lambda real: (read(real, 1, "C"), read(real, 1, "C"), read(real, 1, "C"), read(real, 1, "C"), read(real, 1, "C"), types.boolean, read(real, 1, "C"),
                      read(real, 1, "C"), real[::1]))
def gradient(dy, x, mean, scale, shift, rectified, level, slope, dx):
    """dx = (dy − level − (x − mean) · slope) · scale; rectified: dy counts where `normalize` left something above 0.
    dx may be dy: each row is held apart, since loops over arrays that overlap are not made of vectors."""
    width, zero = long_row(len(mean)), x.dtype.type(0)
    about, factor, more, less, steep = repeated(mean, x), repeated(scale, x), repeated(shift, x), repeated(level, x), repeated(slope, x)
    held = np.empty(width, x.dtype)
    for i in range(0, len(x), width):
        row, out = x[i:i + width], dx[i:i + width]
        copy(address(held), address(dy) + i * dy.itemsize, len(row) * dy.itemsize)
        for j in range(len(row)):
            apart = row[j] - about[j]
            value = held[j]
            value = zero if rectified and not apart * factor[j] + more[j] > 0 else value
            out[j] = (value - less[j] - apart * steep[j]) * factor[j]
