"""Sums over all axes but the last, which gradients of biases and statistics of channels are."""

from collections.abc import Callable
from functools import partial

import numpy as np

from bpcore import kernels

FEW = 64  # rows of one number, one sum of which is as good as a sum by pairs


def positions(array: np.ndarray) -> np.ndarray:
    """(n, positions, channels): all axes between the first and the last as one; a view."""
    return array.reshape(len(array), -1, array.shape[-1])


def channel_sums(x: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """Σ x over the batch and all axes but the last. x: (n, …, channels); returns (channels,).

    First within each sample, then over the samples: one long sum in float32 would lose a digit. Written as
    matrix products, which sum columns several times faster than np.sum does.
    """
    if x.ndim > 2:
        each = positions(x)
        x = np.matmul(np.ones(each.shape[1], x.dtype), each)
    return np.matmul(np.ones(len(x), x.dtype), x, out=out)


def row_sum(rows: np.ndarray, out: np.ndarray) -> Callable[[], object]:
    """The call that writes the sum of all rows, one after the other. rows: (m, n), out: (n,)."""
    if rows.shape[1] == 1 and len(rows) > FEW or not rows.flags.c_contiguous:  # a single column NumPy sums by pairs
        return partial(np.add.reduce, rows, 0, None, out)
    return kernels.sums.columns.bound(out.dtype, rows, out)


def rectify_and_sum(rows: np.ndarray, y: np.ndarray, out: np.ndarray) -> Callable[[], object]:
    """The call that makes rows 0 wherever y is not above 0, and then writes their sum. rows, y: (m, n) in order in memory."""
    return kernels.sums.rectified_columns.bound(out.dtype, rows, y, out)
