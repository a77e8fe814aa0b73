"""linear: y = x W + b.

x: (…, in), W: (in, units), b: (units,), y: (…, units); any leading axes are kept. With `transposed` W is
kept as (units, in) and y = x Wᵀ + b: so an output can share an embedding's weight (Press & Wolf, "Using the
output embedding to improve language models", EACL 2017), and a decoder its encoder's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bpcore.attributes import flag, integer
from bpcore.errors import ShapeError, expected
from bpcore.initializers import Initializer
from bpcore.initializers.he_uniform import HeUniform
from bpcore.initializers.zeros import Zeros
from bpcore.layers import Case, Listed, Parameter, initializer
from bpcore.numerics import products
from bpcore.numerics.rectification import rectify_back
from bpcore.numerics.sums import rectify_and_sum, row_sum
from bpcore.shapes import describe


@dataclass(frozen=True)
class Linear(Listed):
    keeps_output: ClassVar[bool] = False
    rectifies: ClassVar[bool] = True
    units: int = integer(minimum=1)
    bias: bool = flag(True)
    transposed: bool = flag(False)
    weight_initializer: Initializer = initializer(HeUniform())
    bias_initializer: Initializer = initializer(Zeros())

    def output_shape(self, x):
        if not x:
            raise ShapeError(expected("(…, features)", describe(x)))
        return (*x[:-1], self.units)

    def parameters(self, x):
        shape = (self.units, x[-1]) if self.transposed else (x[-1], self.units)
        weight = Parameter(shape, self.weight_initializer, fan_in=x[-1], fan_out=self.units, by_rows=self.transposed)
        bias = {"bias": Parameter((self.units,), self.bias_initializer)} if self.bias else {}
        return {"weight": weight, **bias}

    def ahead(self, w):
        yield from products.calls(w, _rows(w.x), self._weight(w.p), _rows(w.y), w.p.get("bias"), rectified=w.rectified)

    def back(self, w):
        x, dy = _rows(w.x), _rows(w.dy)
        if w.rectified and self.bias:
            yield rectify_and_sum(dy, _rows(w.y), w.g["bias"])
        elif w.rectified:
            yield from rectify_back(w, w.dy, w.dy)
        elif self.bias:
            yield row_sum(dy, w.g["bias"])
        yield from products.calls(w, x.T, dy, self._weight(w.g))
        if w.dx is not None:
            yield from products.calls(w, dy, self._weight(w.p).T, _rows(w.dx))

    def _weight(self, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
        """(in, units), however it is kept."""
        return arrays["weight"].T if self.transposed else arrays["weight"]

    @property
    def torch_axes(self):
        return {} if self.transposed else {"weight": (1, 0)}

    def onnx(self, g, inputs, p, shapes):
        y = g.op("MatMul", inputs[0], g.constant(self._weight(p)))
        return g.op("Add", y, g.constant(p["bias"])) if self.bias else y

    @classmethod
    def cases(cls):
        yield Case(cls(units=3), [(4,)])
        yield Case(cls(units=2, bias=False), [(3, 4)])
        yield Case(cls(units=3, transposed=True), [(2, 4)])
        yield Case(cls(units=1), [(1,)], batch=1)


def _rows(array: np.ndarray) -> np.ndarray:
    return array.reshape(-1, array.shape[-1])
