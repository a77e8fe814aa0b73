"""multiply: y = x₁ · x₂ · …, elementwise, all of one shape; a gate. dx_i = dy · Π_{j≠i} x_j."""

from dataclasses import dataclass
from functools import reduce
from typing import ClassVar

import numpy as np

from bpcore.errors import ShapeError, expected
from bpcore.layers import Case, Layer
from bpcore.shapes import describe


@dataclass(frozen=True)
class Multiply(Layer):
    arity: ClassVar[tuple[int, int | None]] = (2, None)
    keeps_output: ClassVar[bool] = False

    def output_shape(self, first, *others):
        for other in others:
            if other != first:
                raise ShapeError(expected(f"inputs of one shape, {describe(first)}", describe(other)))
        return first

    def forward(self, w):
        np.multiply(w.inputs[0], w.inputs[1], out=w.y)
        for x in w.inputs[2:]:
            w.y *= x

    def backward(self, w):
        for i, dx in enumerate(w.dinputs):
            if dx is not None:
                first, *others = (x for j, x in enumerate(w.inputs) if j != i)  # no division: an x may be 0
                np.multiply(w.dy, first, out=dx)
                for x in others:
                    dx *= x

    def onnx(self, g, inputs, p, shapes):
        return reduce(lambda y, x: g.op("Mul", y, x), inputs)

    @classmethod
    def cases(cls):
        yield Case(cls(), [(3,), (3,)])
        yield Case(cls(), [(2, 2), (2, 2), (2, 2)])
        yield Case(cls(), [(1,)] * 4, batch=1)
