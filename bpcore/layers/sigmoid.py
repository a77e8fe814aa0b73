"""sigmoid: y = 1 / (1 + e⁻ˣ), elementwise; dx = dy · y (1 − y)."""

from dataclasses import dataclass
from typing import ClassVar

from bpcore import kernels
from bpcore.layers import Case, Listed


@dataclass(frozen=True)
class Sigmoid(Listed):
    over_inputs: ClassVar[int] = 1
    over_gradient: ClassVar[int] = 1

    def output_shape(self, x):
        return x

    def ahead(self, w):
        yield kernels.logistic.AHEAD.over(w.x, w.y)

    def back(self, w):
        if w.dx is not None:
            yield kernels.logistic.BACK.over(w.y, w.dy, w.dx)

    def onnx(self, g, inputs, p, shapes):
        return g.op("Sigmoid", inputs[0])

    @classmethod
    def cases(cls):
        yield Case(cls(), [(5,)])
        yield Case(cls(), [(2, 3, 2)], batch=1)
