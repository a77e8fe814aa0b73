"""gelu: y = x Φ(x), elementwise, with the normal distribution function Φ(x) = (1 + erf(x / √2)) / 2.

dx = dy (Φ(x) + x Φ′(x)), Φ′(x) = e^(−x²/2) / √(2π). With `approximate: tanh` Φ is taken as
(1 + tanh(√(2/π) (x + 0.044715 x³))) / 2, as GPT-2 does.
Source: Hendrycks & Gimpel, "Gaussian error linear units (GELUs)", arXiv:1606.08415, section 2.
"""

from dataclasses import dataclass
from typing import ClassVar

from bpcore import kernels
from bpcore.attributes import choice
from bpcore.layers import Case, Listed


@dataclass(frozen=True)
class Gelu(Listed):
    over_gradient: ClassVar[int] = 1
    approximate: str = choice("none", "tanh")

    def output_shape(self, x):
        return x

    def ahead(self, w):
        yield kernels.gelu.AHEAD[self.approximate].over(w.x, w.y)

    def back(self, w):
        if w.dx is not None:
            yield kernels.gelu.BACK[self.approximate].over(w.x, w.dy, w.dx)

    def onnx(self, g, inputs, p, shapes):
        return g.op("Gelu", inputs[0], approximate=self.approximate)

    @classmethod
    def cases(cls):
        yield Case(cls(), [(5,)])
        yield Case(cls(approximate="tanh"), [(5,)])
        yield Case(cls(), [(2, 3, 2)], batch=1)
