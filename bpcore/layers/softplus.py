"""softplus: y = log(1 + e^(beta · x)) / beta, elementwise: a smooth relu, the sharper the larger beta.

Computed as max(x, 0) + log(1 + e^(−beta |x|)) / beta, which overflows nowhere. dx = dy σ(beta · x), and
σ(beta · x) = 1 − e^(−beta · y). Source: Dugas et al., "Incorporating second-order functional knowledge for
better option pricing", NIPS 2000, equation 5.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.attributes import number
from bpcore.layers import Case, Layer


@dataclass(frozen=True)
class Softplus(Layer):
    beta: float = number(1.0, above=0)

    def output_shape(self, x):
        return x

    def forward(self, w):
        np.abs(w.x, out=w.y)
        w.y *= -self.beta
        np.exp(w.y, out=w.y)
        np.log1p(w.y, out=w.y)
        w.y /= self.beta
        np.add(w.y, w.x, out=w.y, where=w.x > 0)

    def backward(self, w):
        if w.dx is not None:
            np.multiply(w.y, -self.beta, out=w.dx)
            np.expm1(w.dx, out=w.dx)
            np.negative(w.dx, out=w.dx)
            w.dx *= w.dy

    def onnx(self, g, inputs, p, shapes):
        beta = g.constant(np.float32(self.beta))
        return g.op("Div", g.op("Softplus", g.op("Mul", inputs[0], beta)), beta)

    @classmethod
    def cases(cls):
        yield Case(cls(), [(5,)])
        yield Case(cls(beta=3.0), [(2, 3, 2)], batch=1)
