"""relu behind a sum, and the gradient of relu, in one pass.

Outputs may be inputs: each row is held apart, since loops over arrays that overlap are not made of vectors.
"""

import numpy as np

from bpcore.kernels.compiled import kernel, read
from bpcore.kernels.vectors import address, copy

ROW = 1024  # numbers


@kernel(lambda real: (read(real, 1, "C"), read(real, 1, "C"), real[::1]))
def add(a, b, y):
    """y = max(a + b, 0); all of one length."""
    zero, held, size = y.dtype.type(0), np.empty(ROW, y.dtype), y.itemsize
    for i in range(0, len(y), ROW):
        row, other = a[i:i + ROW], b[i:i + ROW]
        for j in range(len(row)):
            total = row[j] + other[j]
            held[j] = zero if total < zero else total
        copy(address(y) + i * size, address(held), len(row) * size)


@kernel(lambda real: (read(real, 1, "C"), read(real, 1, "C"), real[::1]))
def gradient(dy, y, dx):
    """dx = dy where y > 0, else 0; all of one length."""
    zero, held, size = y.dtype.type(0), np.empty(ROW, y.dtype), y.itemsize
    for i in range(0, len(y), ROW):
        row, drow = y[i:i + ROW], dy[i:i + ROW]
        for j in range(len(row)):
            value = drow[j]
            held[j] = value if row[j] > zero else zero
        copy(address(dx) + i * size, address(held), len(row) * size)
