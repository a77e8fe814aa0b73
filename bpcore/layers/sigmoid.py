"""sigmoid: y = 1 / (1 + e⁻ˣ), elementwise; dx = dy · y (1 − y).

Computed as (1 + tanh(x / 2)) / 2, which overflows nowhere.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bpcore.layers import Case, Layer


@dataclass(frozen=True)
class Sigmoid(Layer):
    over_inputs: ClassVar[int] = 1

    def output_shape(self, x):
        return x

    def forward(self, w):
        np.multiply(w.x, 0.5, out=w.y)
        np.tanh(w.y, out=w.y)
        w.y *= 0.5
        w.y += 0.5

    def backward(self, w):
        if w.dx is not None:
            np.subtract(1, w.y, out=w.dx)
            w.dx *= w.y
            w.dx *= w.dy

    def onnx(self, g, inputs, p, shapes):
        return g.op("Sigmoid", inputs[0])

    @classmethod
    def cases(cls):
        yield Case(cls(), [(5,)])
        yield Case(cls(), [(2, 3, 2)], batch=1)
