"""bilinear: y_k = x₁ᵀ W_k x₂ + b_k: every product of a number of x₁ and one of x₂, weighted.

x₁: (…, in₁), x₂: (…, in₂) with the same leading axes, W: (in₁, in₂, units), b: (units,), y: (…, units).
Computed as one matrix product over the outer products P = x₁ ⊗ x₂; dx₁ = dP x₂, dx₂ = x₁ᵀ dP.
Source: Tenenbaum & Freeman, "Separating style and content with bilinear models", Neural Computation 12
(2000), equation 1.
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
from bpcore.layers import Case, Layer, Parameter, Workspace, initializer
from bpcore.numerics.products import multiply
from bpcore.shapes import describe


@dataclass(frozen=True)
class Bilinear(Layer):
    arity: ClassVar[tuple[int, int | None]] = (2, 2)
    torch_axes: ClassVar[Mapping[str, tuple[int, ...]]] = {"weight": (1, 2, 0)}
    keeps_output: ClassVar[bool] = False
    units: int = integer(minimum=1)
    bias: bool = flag(True)
    weight_initializer: Initializer = initializer(HeUniform())
    bias_initializer: Initializer = initializer(Zeros())

    def output_shape(self, first, second):
        if not first:
            raise ShapeError(expected("(…, features)", describe(first)))
        if len(second) != len(first) or second[:-1] != first[:-1]:
            wants = f"two inputs with the same axes but the last, as in {describe(first)}"
            raise ShapeError(expected(wants, describe(second)))
        return (*first[:-1], self.units)

    def parameters(self, first, second):
        weight = Parameter((first[-1], second[-1], self.units), self.weight_initializer,
                           fan_in=first[-1] * second[-1], fan_out=self.units)
        bias = {"bias": Parameter((self.units,), self.bias_initializer)} if self.bias else {}
        return {"weight": weight, **bias}

    def forward(self, w):
        multiply(w, _flat(self._pairs(w)), w.p["weight"].reshape(-1, self.units), _rows(w.y), w.p.get("bias"))

    def backward(self, w):
        dy, pairs = _rows(w.dy), self._pairs(w)
        multiply(w, _flat(pairs).T, dy, w.g["weight"].reshape(-1, self.units))
        if self.bias:
            np.sum(dy, axis=0, out=w.g["bias"])
        multiply(w, dy, w.p["weight"].reshape(-1, self.units).T, _flat(pairs))  # in place of the used-up products
        (first, second), (dfirst, dsecond) = w.inputs, w.dinputs
        if dfirst is not None:
            np.matmul(pairs, _rows(second)[:, :, None], out=_rows(dfirst)[:, :, None])
        if dsecond is not None:
            np.matmul(_rows(first)[:, None, :], pairs, out=_rows(dsecond)[:, None, :])

    def _pairs(self, w: Workspace) -> np.ndarray:
        """(rows, in₁, in₂): one outer product a row; made anew in backward, for it is large."""
        first, second = (_rows(x) for x in w.inputs)
        pairs = w.temporary("pairs", (len(first), first.shape[1], second.shape[1]))
        return np.multiply(first[:, :, None], second[:, None, :], out=pairs)

    def onnx(self, g, inputs, p, shapes):
        y = g.op("Einsum", *inputs, g.constant(p["weight"]), equation="...i,...j,ijk->...k")
        return g.op("Add", y, g.constant(p["bias"])) if self.bias else y

    @classmethod
    def cases(cls):
        yield Case(cls(units=3), [(4,), (2,)])
        yield Case(cls(units=2, bias=False), [(3, 2), (3, 5)])
        yield Case(cls(units=1), [(1,), (1,)], batch=1)


def _rows(array: np.ndarray) -> np.ndarray:
    return array.reshape(-1, array.shape[-1])


def _flat(pairs: np.ndarray) -> np.ndarray:
    return pairs.reshape(len(pairs), -1)
