"""tanh: y = tanh(x), elementwise; dx = dy (1 − y²)."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bpcore.layers import Case, Layer


@dataclass(frozen=True)
class Tanh(Layer):
    over_inputs: ClassVar[int] = 1

    def output_shape(self, x):
        return x

    def forward(self, w):
        np.tanh(w.x, out=w.y)

    def backward(self, w):
        if w.dx is not None:
            np.multiply(w.y, w.y, out=w.dx)
            np.subtract(1, w.dx, out=w.dx)
            w.dx *= w.dy

    def onnx(self, g, inputs, p, shapes):
        return g.op("Tanh", inputs[0])

    @classmethod
    def cases(cls):
        yield Case(cls(), [(5,)])
        yield Case(cls(), [(2, 3, 2)], batch=1)
