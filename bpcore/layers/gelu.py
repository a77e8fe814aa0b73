"""gelu: y = x Φ(x), elementwise, with the normal distribution function Φ(x) = (1 + erf(x / √2)) / 2.

dx = dy (Φ(x) + x Φ′(x)), Φ′(x) = e^(−x²/2) / √(2π). With `approximate: tanh` Φ is taken as
(1 + tanh(√(2/π) (x + 0.044715 x³))) / 2, as GPT-2 does.
Source: Hendrycks & Gimpel, "Gaussian error linear units (GELUs)", arXiv:1606.08415, section 2.
"""

import math
from dataclasses import dataclass

import numpy as np

from bpcore.attributes import choice
from bpcore.layers import Case, Layer
from bpcore.special import erf, gate

CUBIC = 0.044715


@dataclass(frozen=True)
class Gelu(Layer):
    approximate: str = choice("none", "tanh")

    def output_shape(self, x):
        return x

    def forward(self, w):
        if self.approximate == "tanh":
            np.square(w.x, out=w.y)
            w.y *= CUBIC
            w.y += 1
            w.y *= w.x
            w.y *= math.sqrt(2 / math.pi)
            np.tanh(w.y, out=w.y)
        else:
            np.multiply(w.x, math.sqrt(0.5), out=w.y)
            erf(w.y, out=w.y)
        w.y += 1
        w.y *= 0.5
        w.y *= w.x

    def backward(self, w):
        if w.dx is not None:
            phi = w.temporary("phi", w.x.shape)
            gate(w.x, w.y, out=phi)
            self._slope(w.x, phi, out=w.dx)
            w.dx *= w.x
            w.dx += phi
            w.dx *= w.dy

    def _slope(self, x: np.ndarray, phi: np.ndarray, out: np.ndarray) -> None:
        """Writes the derivative of Φ into `out`."""
        np.square(x, out=out)
        if self.approximate == "tanh":
            out *= 3 * CUBIC
            out += 1
            out *= math.sqrt(8 / math.pi)
            out *= phi - phi * phi  # (1 − tanh²) / 4
        else:
            out *= -0.5
            np.exp(out, out=out)
            out *= 1 / math.sqrt(2 * math.pi)

    def onnx(self, g, inputs, p, shapes):
        return g.op("Gelu", inputs[0], approximate=self.approximate)

    @classmethod
    def cases(cls):
        yield Case(cls(), [(5,)])
        yield Case(cls(approximate="tanh"), [(5,)])
        yield Case(cls(), [(2, 3, 2)], batch=1)
