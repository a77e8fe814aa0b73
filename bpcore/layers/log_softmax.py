"""log_softmax: y_i = x_i − log Σ_j e^(x_j), over the last axis; dx = dy − e^y Σ_j dy_j.

x, y: (…, classes). The largest x is subtracted first, so nothing overflows and no logarithm is of 0.
Source: the logarithm of softmax; Goodfellow et al., "Deep learning", 2016, section 6.2.2.3.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.errors import ShapeError, expected
from bpcore.layers import Case, Layer
from bpcore.shapes import describe


@dataclass(frozen=True)
class LogSoftmax(Layer):
    def output_shape(self, x):
        if not x:
            raise ShapeError(expected("(…, classes)", describe(x)))
        return x

    def forward(self, w):
        np.subtract(w.x, w.x.max(axis=-1, keepdims=True), out=w.y)
        w.y -= np.log(np.exp(w.y).sum(axis=-1, keepdims=True))

    def backward(self, w):
        if w.dx is not None:
            np.exp(w.y, out=w.dx)
            w.dx *= -w.dy.sum(axis=-1, keepdims=True)
            w.dx += w.dy

    def onnx(self, g, inputs, p, shapes):
        return g.op("LogSoftmax", inputs[0], axis=-1)

    @classmethod
    def cases(cls):
        yield Case(cls(), [(5,)])
        yield Case(cls(), [(2, 3)])
        yield Case(cls(), [(1,)], batch=1)
