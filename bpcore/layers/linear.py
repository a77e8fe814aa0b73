"""linear: y = x W + b.

x: (…, in), W: (in, units), b: (units,), y: (…, units); any leading axes are kept.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.attributes import flag, integer
from bpcore.errors import ShapeError, expected
from bpcore.initializers import Initializer
from bpcore.initializers.he_uniform import HeUniform
from bpcore.initializers.zeros import Zeros
from bpcore.layers import Case, Layer, Parameter, initializer
from bpcore.shapes import describe


@dataclass(frozen=True)
class Linear(Layer):
    units: int = integer(minimum=1)
    bias: bool = flag(True)
    weight_initializer: Initializer = initializer(HeUniform())
    bias_initializer: Initializer = initializer(Zeros())

    def output_shape(self, x):
        if not x:
            raise ShapeError(expected("(…, features)", describe(x)))
        return (*x[:-1], self.units)

    def parameters(self, x):
        weight = Parameter((x[-1], self.units), self.weight_initializer, fan_in=x[-1], fan_out=self.units)
        bias = {"bias": Parameter((self.units,), self.bias_initializer)} if self.bias else {}
        return {"weight": weight, **bias}

    def forward(self, w):
        np.matmul(_rows(w.x), w.p["weight"], out=_rows(w.y))
        if self.bias:
            w.y += w.p["bias"]

    def backward(self, w):
        x, dy = _rows(w.x), _rows(w.dy)
        np.matmul(x.T, dy, out=w.g["weight"])
        if self.bias:
            np.sum(dy, axis=0, out=w.g["bias"])
        if w.dx is not None:
            np.matmul(dy, w.p["weight"].T, out=_rows(w.dx))

    @classmethod
    def cases(cls):
        yield Case(cls(units=3), [(4,)])
        yield Case(cls(units=2, bias=False), [(3, 4)])
        yield Case(cls(units=1), [(1,)], batch=1)


def _rows(array: np.ndarray) -> np.ndarray:
    return array.reshape(-1, array.shape[-1])
