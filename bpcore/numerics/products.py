"""Matrix products of layers: by a kernel of our own, or by NumPy's BLAS where that is faster.

1. Which of the two depends on sizes and the kind of number alone, and so do the bits.
2. What is bound once and called in every step finds all its memory ready.

Seen on a core with AVX-512 and an OpenBLAS held to its AVX2 kernels: the kernel is 1.5 to 2.3 times as fast from
products of 32 × 32 × 32 numbers on, 1.1 to 1.4 times for smaller ones. With AVX2 alone, ours or BLAS's makes no difference.
"""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from bpcore import kernels
from bpcore.layers import Workspace

# A vector times a matrix is a thing of its own, which BLAS does well where there is much of it.
ROWS, COLUMNS, PRODUCTS = 2, 8, 1 << 11
FEW = 64  # products that the kernel adds up as fast, in less than a vector's columns


def calls(w: Workspace, a: np.ndarray, b: np.ndarray, out: np.ndarray, bias: np.ndarray | None = None,
          add: bool = False, rectified: bool = False) -> Iterator[Callable[[], object]]:
    """Calls that write out = a b, or a b + bias, or with `add` out + a b, bound to these arrays; `rectified`: max(out, 0) of it.

    a: (m, k), b: (k, n), out: (m, n), whose rows or columns are without gaps, bias: (n,).
    """
    if bias is None and (out.strides[1] != out.itemsize or out.shape[1] == 1 and out.strides[0] == out.itemsize):
        a, b, out = b.T, a.T, out.T  # a single column, too, is quicker as a row
    if out.strides[1] == out.itemsize and (suits(*out.shape, a.shape[1], out.dtype) or is_tiny(*out.shape, a.shape[1], out.dtype)):
        start = out if add else np.empty((0, out.shape[1]), out.dtype) if bias is None else bias[None]
        room = kernels.product.room(*out.shape, a.shape[1], out.itemsize)
        yield kernels.product.multiply.bound(out.dtype, a, b, start, out, w.temporary("product scratch", (room,)), rectified)
        return
    if add:
        yield lambda: np.add(out, np.matmul(a, b), out)
    else:
        # np.dot is np.matmul with less around it, but writes nothing else than rows in order.
        yield partial(np.dot if out.flags.c_contiguous else np.matmul, a, b, out)
        if bias is not None:
            yield partial(np.add, out, bias, out)
    if rectified:
        yield kernels.rectification.RELU.over(out, out)


def multiply(w: Workspace, a: np.ndarray, b: np.ndarray, out: np.ndarray, bias: np.ndarray | None = None, add: bool = False) -> None:
    """The same, at once."""
    for call in calls(w, a, b, out, bias, add):
        call()


class Laid:
    """A b that many products go through in turn: laid out once. In memory of `w` that is a `temporary`."""

    def __init__(self, w: Workspace, b: np.ndarray, rows: int):
        """b: (k, n), rows: m of the products to come."""
        self._b, (k, n) = b, b.shape
        self._none = np.empty((0, n), b.dtype)
        self._laid = None
        if suits(rows, n, k, b.dtype):
            self._laid = w.temporary("laid", (kernels.product.laid_room(n, k, b.itemsize),))
            kernels.product.lay_all(b, self._laid)

    def multiply(self, a: np.ndarray, out: np.ndarray, bias: np.ndarray | None = None, add: bool = False) -> None:
        """out = a b, a b + bias or out + a b. a: (m, k), out: (m, n), both with rows without gaps."""
        if self._laid is not None:
            start = out if add else self._none if bias is None else bias[None]
            kernels.product.multiply_laid(a, self._laid, start, out)
        elif add:
            out += a @ self._b
        else:
            np.matmul(a, self._b, out=out)
            if bias is not None:
                out += bias


def suits(m: int, n: int, k: int, kind: np.dtype) -> bool:
    """Whether the kernel is the faster one for a product of these sizes."""
    return m >= ROWS and n >= COLUMNS and m * n * k >= PRODUCTS and kind == np.float32 and kernels.vectors.BYTES == 64


def is_tiny(m: int, n: int, k: int, kind: np.dtype) -> bool:
    """Whether the kernel is done before NumPy has looked at its arguments."""
    return m * n * k < PRODUCTS and (n >= COLUMNS or k <= FEW) and kind == np.float32

