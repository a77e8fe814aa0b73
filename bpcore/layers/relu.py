"""relu: y = max(x, 0), elementwise; the gradient at 0 is 0."""

from dataclasses import dataclass

import numpy as np

from bpcore.layers import Case, Layer


@dataclass(frozen=True)
class Relu(Layer):
    def output_shape(self, x):
        return x

    def forward(self, w):
        np.maximum(w.x, 0, out=w.y)

    def backward(self, w):
        if w.dx is not None:
            np.multiply(w.dy, w.y > 0, out=w.dx)

    def onnx(self, g, inputs, p, shapes):
        return g.op("Relu", inputs[0])

    @classmethod
    def cases(cls):
        yield Case(cls(), [(5,)])
        yield Case(cls(), [(2, 3, 2)], batch=1)
