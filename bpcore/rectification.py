"""relu in the pass of another layer, and its gradient."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from bpcore import kernels
from bpcore.layers import Workspace

MANY = 1 << 14  # numbers from which on a compiled loop is worth its loading


def rectified(w: Workspace) -> Iterator[Callable[[], object]]:
    """The calls that write w.y = max(w.x, 0). w.y may be w.x."""
    yield kernels.rectification.RELU.over(w.x, w.y) if w.y.size >= MANY else partial(np.maximum, w.x, 0, out=w.y)


def add_rectified(w: Workspace, a: np.ndarray, b: np.ndarray) -> Iterator[Callable[[], object]]:
    """The calls that write w.y = max(a + b, 0). w.y may be a or b."""
    if w.y.size >= MANY:
        yield kernels.rectification.ADD.over(a, b, w.y)
        return
    yield partial(np.add, a, b, w.y)
    yield partial(np.maximum, w.y, 0, out=w.y)


def rectify_back(w: Workspace, dy: np.ndarray, dx: np.ndarray) -> Iterator[Callable[[], object]]:
    """The calls that write dx = dy where w.y > 0, else 0. dx may be dy."""
    if w.y.size >= MANY:
        yield kernels.rectification.GRADIENT.over(dy, w.y, dx)
        return
    positive = w.temporary("positive", w.y.shape, np.bool_)
    yield partial(np.greater, w.y, 0, positive)
    yield partial(np.multiply, dy, positive, dx)
