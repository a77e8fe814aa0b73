"""selu: y = λ x for x > 0, λ α (eˣ − 1) otherwise, elementwise; the gradient at 0 is λ α.

α = 1.6732632423543772 and λ = 1.0507009873554805 keep mean 0 and variance 1 from layer to layer.
Source: Klambauer et al., "Self-normalizing neural networks", NIPS 2017, equations 2 and 14.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.layers import Case, Layer

ALPHA = 1.6732632423543772848
SCALE = 1.0507009873554804934


@dataclass(frozen=True)
class Selu(Layer):
    def output_shape(self, x):
        return x

    def forward(self, w):
        np.minimum(w.x, 0, out=w.y)  # no overflow where the exponential is not wanted
        np.expm1(w.y, out=w.y)
        w.y *= SCALE * ALPHA
        np.multiply(w.x, SCALE, out=w.y, where=w.x > 0)

    def backward(self, w):
        if w.dx is not None:
            np.add(w.y, SCALE * ALPHA, out=w.dx)  # λ α eˣ
            np.copyto(w.dx, SCALE, where=w.x > 0)
            w.dx *= w.dy

    def onnx(self, g, inputs, p, shapes):
        return g.op("Selu", inputs[0], alpha=ALPHA, gamma=SCALE)

    @classmethod
    def cases(cls):
        yield Case(cls(), [(5,)])
        yield Case(cls(), [(2, 3, 2)], batch=1)
