"""silu: y = x σ(x) = x / (1 + e⁻ˣ), elementwise; dx = dy σ(x) (1 + x (1 − σ(x))).

Also called swish. Source: Elfwing et al., "Sigmoid-weighted linear units for neural network function
approximation in reinforcement learning", Neural Networks 107 (2018), equation 15.
"""

from dataclasses import dataclass
from typing import ClassVar

from bpcore import kernels
from bpcore.layers import Case, Listed


@dataclass(frozen=True)
class Silu(Listed):
    over_gradient: ClassVar[int] = 1

    def output_shape(self, x):
        return x

    def ahead(self, w):
        yield kernels.silu.AHEAD.over(w.x, w.y)

    def back(self, w):
        if w.dx is not None:
            yield kernels.silu.BACK.over(w.x, w.dy, w.dx)

    def onnx(self, g, inputs, p, shapes):
        return g.op("Mul", inputs[0], g.op("Sigmoid", inputs[0]))

    @classmethod
    def cases(cls):
        yield Case(cls(), [(5,)])
        yield Case(cls(), [(2, 3, 2)], batch=1)
