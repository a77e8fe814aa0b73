"""Each row to length 1: what layer_norm and rms_norm compute, the second without μ and β.

y = γ · x̂ + β, x̂ = (x − μ) / √(mean of (x − μ)² + ε). A row is what lies behind the leading axes, as large as γ.
From forward to backward only a row's μ and divisor are kept; x̂ is made again.
"""

from collections.abc import Callable
from functools import partial

import numpy as np

from bpcore import kernels
from bpcore.errors import ShapeError, expected
from bpcore.layers import Workspace
from bpcore.shapes import Shape, describe


def require_last_axes(x: Shape, axes: int) -> None:
    """Raises ShapeError unless there are so many."""
    if len(x) < axes:
        raise ShapeError(expected("(…, features)" if axes == 1 else f"at least {axes} axes", describe(x), "use fewer axes" * (axes > 1)))


def normalize(w: Workspace, epsilon: float, centred: bool) -> Callable[[], object]:
    """The call of forward."""
    x, y, gamma = _rows(w, w.x), _rows(w, w.y), w.p["gamma"].reshape(-1)
    beta = w.p["beta"].reshape(-1) if centred else gamma
    return partial(kernels.rows.normalize.of(y.dtype), x, gamma, beta, epsilon, centred, *_kept(w, len(x)), y)


def normalize_back(w: Workspace, centred: bool) -> Callable[[], object]:
    """The call of backward."""
    x, dy, gamma = _rows(w, w.x), _rows(w, w.dy), w.p["gamma"].reshape(-1)
    dbeta = w.g["beta"].reshape(-1) if centred else w.temporary("dbeta", gamma.shape)
    dx = np.empty((0, 0), x.dtype) if w.dx is None else _rows(w, w.dx)
    return partial(kernels.rows.gradients.of(x.dtype), x, dy, gamma, centred, *_kept(w, len(x)), w.g["gamma"].reshape(-1), dbeta, dx)


def _rows(w: Workspace, array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array).reshape(-1, w.p["gamma"].size)


def _kept(w: Workspace, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """μ and 1 / √(…) of each row, both (rows,)."""
    return w.scratch("means", (rows,)), w.scratch("inverses", (rows,))
