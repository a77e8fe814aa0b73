"""What the convolution kernels share: inputs with their margins, weights side by side, addresses in tables."""

import numpy as np

from bpcore.kernels.compiled import helper
from bpcore.kernels.vectors import BYTES, ROWS, address, clear, copy


@helper
def lanes(array):
    """Numbers in a vector."""
    return BYTES // array.itemsize


@helper
def rounded(count, step):
    """The next multiple of `step`."""
    return -(-count // step) * step


@helper
def fill(whole, shape, pixel, x, image, top, left):
    """whole (images, rows, columns, pixel bytes) = x from that image, row and column on; zeros where x has nothing.

    shape: images, rows and columns. A pixel may be longer than the channels of x: zeros behind them.
    """
    images, rows, columns = shape
    height, width, bytes = x.shape[1], x.shape[2], x.shape[3] * x.itemsize
    first, last = min(columns, max(0, -left)), max(0, min(columns, width - left))
    together = x.strides[2] == bytes == pixel
    for i in range(images * rows):
        to, row = address(whole) + i * columns * pixel, top + i % rows
        if row < 0 or row >= height or first >= last:
            clear(to, columns * pixel)
            continue
        source = address(x) + (image + i // rows) * x.strides[0] + row * x.strides[1] + (left + first) * x.strides[2]
        clear(to, first * pixel)
        clear(to + last * pixel, (columns - last) * pixel)
        if together:
            copy(to + first * pixel, source, (last - first) * pixel)
            continue
        for j in range(first, last):
            copy(to + j * pixel, source + (j - first) * x.strides[2], bytes)
            clear(to + j * pixel + bytes, pixel - bytes)


@helper
def steps(step):
    """ROWS places, so many bytes apart."""
    found = np.empty(ROWS, np.int64)
    for r in range(ROWS):
        found[r] = r * step
    return found
