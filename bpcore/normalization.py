"""Each row to length 1: what layer_norm and rms_norm compute, the second without μ and β.

y = γ · x̂ + β, x̂ = (x − μ) / √(mean of (x − μ)² + ε). A row is what lies behind the leading axes, as large as γ.
From forward to backward only a row's μ and divisor are kept; x̂ is made again, a block at a time.
"""

import numpy as np

from bpcore.blocks import blocks
from bpcore.errors import ShapeError, expected
from bpcore.layers import Workspace
from bpcore.shapes import Shape, describe


def require_last_axes(x: Shape, axes: int) -> None:
    """Raises ShapeError unless there are so many."""
    if len(x) < axes:
        raise ShapeError(expected("(…, features)" if axes == 1 else f"at least {axes} axes", describe(x), "use fewer axes" * (axes > 1)))


def normalize(w: Workspace, epsilon: float, centred: bool) -> None:
    gamma, x, y = w.p["gamma"].ravel(), _rows(w, w.x), _rows(w, w.y)
    means, inverses = _kept(w, len(x))
    average = np.full(gamma.size, 1 / gamma.size, x.dtype)  # a product with it is the mean of each row
    for part in blocks(*x.shape):
        means[part, 0] = x[part] @ average if centred else 0
        out = np.subtract(x[part], means[part], out=y[part])
        squares = np.square(out, out=w.temporary("squares", out.shape))
        inverses[part, 0] = 1 / np.sqrt(squares @ average + epsilon)
        out *= inverses[part]
        out *= gamma
        if centred:
            out += w.p["beta"].ravel()


def normalize_back(w: Workspace, centred: bool) -> None:
    x, dy = _rows(w, w.x), _rows(w, w.dy)
    means, inverses = _kept(w, len(x))
    for gradient in w.g.values():
        gradient.fill(0)
    for part in blocks(*x.shape):
        normal = np.subtract(x[part], means[part], out=w.temporary("normal", x[part].shape))
        normal *= inverses[part]
        products = np.multiply(dy[part], normal, out=w.temporary("products", normal.shape))
        ones = np.ones(len(normal), x.dtype)
        w.g["gamma"] += (ones @ products).reshape(w.g["gamma"].shape)
        if centred:
            w.g["beta"] += (ones @ dy[part]).reshape(w.g["beta"].shape)
        if w.dx is not None:
            _row_gradients(dy[part], w.p["gamma"].ravel(), normal, products, inverses[part], centred, _rows(w, w.dx)[part])


def _row_gradients(dy: np.ndarray, gamma: np.ndarray, normal: np.ndarray, products: np.ndarray, inverse: np.ndarray,
                   centred: bool, dx: np.ndarray) -> None:
    """dx = (γ dy − mean of γ dy − x̂ · mean of γ dy x̂) / √(…); products: dy x̂. Uses up `normal`."""
    np.multiply(dy, gamma, out=dx)
    if centred:
        dx -= (dy @ gamma / gamma.size)[:, None]
    normal *= (products @ gamma / gamma.size)[:, None]
    dx -= normal
    dx *= inverse


def _rows(w: Workspace, array: np.ndarray) -> np.ndarray:
    return array.reshape(-1, w.p["gamma"].size)


def _kept(w: Workspace, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """μ and 1 / √(…) of each row, both (rows, 1)."""
    return w.scratch("means", (rows, 1)), w.scratch("inverses", (rows, 1))
