"""relu, alone or in the pass of another layer, and its gradient: calls of kernels, in place or not."""

from collections.abc import Callable, Iterator

import numpy as np

from bpcore import kernels
from bpcore.layers import Workspace


def rectified(w: Workspace) -> Iterator[Callable[[], object]]:
    """The calls that write w.y = max(w.x, 0). w.y may be w.x."""
    yield kernels.rectification.RELU.over(w.x, w.y)


def add_rectified(w: Workspace, a: np.ndarray, b: np.ndarray) -> Iterator[Callable[[], object]]:
    """The calls that write w.y = max(a + b, 0). w.y may be a or b."""
    yield kernels.rectification.ADD.over(a, b, w.y)


def rectify_back(w: Workspace, dy: np.ndarray, dx: np.ndarray) -> Iterator[Callable[[], object]]:
    """The calls that write dx = dy where w.y > 0, else 0. dx may be dy."""
    yield kernels.rectification.GRADIENT.over(dy, w.y, dx)
