"""upsample2d: larger by a whole factor, channels-last.

nearest: y[i, j, c] = x[⌊i / f⌋, ⌊j / f⌋, c]. bilinear: output i lies at (i + ½) / f − ½ of the input, but not
before its first place or behind its last, and is interpolated between the two places around it, along each
axis in turn.

x: (height, width, channels), y: (height · f, width · f, channels). As PyTorch's interpolate with
align_corners=False. Each axis is one product with a matrix, its gradient one with the transpose.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bpcore.attributes import choice, pair
from bpcore.layers import Case, Layer, Workspace
from bpcore.numerics.windows_onnx import channels_first, channels_last
from bpcore.shapes import require_axes


@dataclass(frozen=True)
class Upsample2d(Layer):
    keeps_output: ClassVar[bool] = False
    factor: tuple[int, int] = pair((2, 2))
    mode: str = choice("nearest", "bilinear")

    def output_shape(self, x):
        require_axes(x, "height", "width", "channels")
        return (x[0] * self.factor[0], x[1] * self.factor[1], x[2])

    def forward(self, w):
        if self.mode == "nearest":
            self._squares(w, w.y)[...] = w.x[:, :, None, :, None]
            return
        down, right, rows = self._weights(w)
        np.matmul(down, w.x.reshape(*w.x.shape[:2], -1), out=rows.reshape(*rows.shape[:2], -1))
        np.matmul(right, rows, out=w.y)

    def backward(self, w):
        if w.dx is None:
            return
        if self.mode == "nearest":
            np.sum(self._squares(w, w.dy), axis=(2, 4), out=w.dx)
            return
        down, right, rows = self._weights(w)
        np.matmul(right.T, w.dy, out=rows)
        np.matmul(down.T, rows.reshape(*rows.shape[:2], -1), out=w.dx.reshape(*w.dx.shape[:2], -1))

    def _squares(self, w: Workspace, large: np.ndarray) -> np.ndarray:
        """(n, height, f, width, f, channels): a view of an array of the output's shape."""
        n, height, width, channels = w.x.shape
        return large.reshape(n, height, self.factor[0], width, self.factor[1], channels)

    def _weights(self, w: Workspace) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The matrix of each axis, and memory for what is enlarged in height alone."""
        n, height, width, channels = w.x.shape
        matrices = (_matrix(size, factor, w.x.dtype) for size, factor in zip((height, width), self.factor))
        return *matrices, w.temporary("rows", (n, height * self.factor[0], width, channels))

    def onnx(self, g, inputs, p, shapes):
        how = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"} \
            if self.mode == "nearest" else {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
        scales = g.constant(np.array([1, 1, *self.factor], np.float32))
        return channels_last(g, g.op("Resize", channels_first(g, inputs[0], 3), "", scales, **how), 3)

    @classmethod
    def cases(cls):
        yield Case(cls(), [(3, 2, 2)])
        yield Case(cls(factor=(1, 3)), [(2, 2, 1)])
        yield Case(cls(mode="bilinear"), [(3, 4, 2)])
        yield Case(cls(factor=(3, 2), mode="bilinear"), [(1, 2, 2)])
        yield Case(cls(factor=(1, 1), mode="bilinear"), [(1, 1, 1)], batch=1)


def _matrix(size: int, factor: int, dtype: np.dtype) -> np.ndarray:
    """(size · factor, size): in each row, how much of each input place an output place is."""
    place = np.maximum((np.arange(size * factor) + 0.5) / factor - 0.5, 0)
    first = place.astype(np.intp)
    matrix, rows = np.zeros((size * factor, size)), np.arange(size * factor)
    matrix[rows, first] += 1 - (place - first)
    matrix[rows, np.minimum(first + 1, size - 1)] += place - first
    return matrix.astype(dtype)
