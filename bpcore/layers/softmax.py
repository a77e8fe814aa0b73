"""softmax: y_i = e^(x_i) / Σ_j e^(x_j), over the last axis; dx = y (dy − Σ_j dy_j y_j).

x, y: (…, classes). The largest x is subtracted first, so nothing overflows. In front of
softmax_cross_entropy leave it out: that loss holds its own.
Source: Bridle, "Probabilistic interpretation of feedforward classification network outputs", 1990.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.errors import ShapeError, expected
from bpcore.layers import Case, Layer
from bpcore.shapes import describe


@dataclass(frozen=True)
class Softmax(Layer):
    def output_shape(self, x):
        if not x:
            raise ShapeError(expected("(…, classes)", describe(x)))
        return x

    def forward(self, w):
        np.subtract(w.x, w.x.max(axis=-1, keepdims=True), out=w.y)
        np.exp(w.y, out=w.y)
        w.y /= w.y.sum(axis=-1, keepdims=True)

    def backward(self, w):
        if w.dx is not None:
            np.multiply(w.dy, w.y, out=w.dx)
            np.subtract(w.dy, w.dx.sum(axis=-1, keepdims=True), out=w.dx)
            w.dx *= w.y

    def onnx(self, g, inputs, p, shapes):
        return g.op("Softmax", inputs[0], axis=-1)

    @classmethod
    def cases(cls):
        yield Case(cls(), [(5,)])
        yield Case(cls(), [(2, 3)])
        yield Case(cls(), [(1,)], batch=1)
