"""softmax: y_i = e^(x_i) / Σ_j e^(x_j), over the last axis; dx = y (dy − Σ_j dy_j y_j).

x, y: (…, classes). The largest x is subtracted first, so nothing overflows. In front of
softmax_cross_entropy leave it out: that loss holds its own.
Source: Bridle, "Probabilistic interpretation of feedforward classification network outputs", 1990.
"""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from bpcore import kernels
from bpcore.errors import ShapeError, expected
from bpcore.layers import Case, Listed
from bpcore.memory import rows
from bpcore.shapes import describe


@dataclass(frozen=True)
class Softmax(Listed):
    over_gradient: ClassVar[int] = 1

    def output_shape(self, x):
        if not x:
            raise ShapeError(expected("(…, classes)", describe(x)))
        return x

    def ahead(self, w):
        yield partial(kernels.softmax.softmax.of(w.y.dtype), rows(w.x), rows(w.y))

    def back(self, w):
        if w.dx is not None:
            yield partial(kernels.softmax.softmax_back.of(w.y.dtype), rows(w.y), rows(w.dy), rows(w.dx))

    def onnx(self, g, inputs, p, shapes):
        return g.op("Softmax", inputs[0], axis=-1)

    @classmethod
    def cases(cls):
        yield Case(cls(), [(5,)])
        yield Case(cls(), [(2, 3)])
        yield Case(cls(), [(1,)], batch=1)
