"""silu: y = x σ(x) = x / (1 + e⁻ˣ), elementwise; dx = dy σ(x) (1 + x (1 − σ(x))).

Also called swish. Source: Elfwing et al., "Sigmoid-weighted linear units for neural network function
approximation in reinforcement learning", Neural Networks 107 (2018), equation 15.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.layers import Case, Layer
from bpcore.special import gate


@dataclass(frozen=True)
class Silu(Layer):
    def output_shape(self, x):
        return x

    def forward(self, w):
        np.negative(w.x, out=w.y)
        with np.errstate(over="ignore"):  # where e⁻ˣ is infinite, y is 0
            np.exp(w.y, out=w.y)
        w.y += 1
        np.divide(w.x, w.y, out=w.y)

    def backward(self, w):
        if w.dx is not None:
            sigma = w.temporary("sigma", w.x.shape)
            gate(w.x, w.y, out=sigma)
            np.subtract(1, sigma, out=w.dx)
            w.dx *= w.x
            w.dx += 1
            w.dx *= sigma
            w.dx *= w.dy

    def onnx(self, g, inputs, p, shapes):
        return g.op("Mul", inputs[0], g.op("Sigmoid", inputs[0]))

    @classmethod
    def cases(cls):
        yield Case(cls(), [(5,)])
        yield Case(cls(), [(2, 3, 2)], batch=1)
