"""subtract: y = x₁ − x₂, both of one shape; dx₁ = dy, dx₂ = −dy."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bpcore.errors import ShapeError, expected
from bpcore.layers import Case, Layer
from bpcore.shapes import describe


@dataclass(frozen=True)
class Subtract(Layer):
    arity: ClassVar[tuple[int, int | None]] = (2, 2)
    keeps_output: ClassVar[bool] = False
    over_inputs: ClassVar[int] = 2
    over_gradient: ClassVar[int] = 1

    def output_shape(self, first, second):
        if second != first:
            raise ShapeError(expected(f"inputs of one shape, {describe(first)}", describe(second)))
        return first

    def forward(self, w):
        np.subtract(w.inputs[0], w.inputs[1], out=w.y)

    def backward(self, w):
        first, second = w.dinputs
        if first is not None:
            first[...] = w.dy
        if second is not None:
            np.negative(w.dy, out=second)

    def onnx(self, g, inputs, p, shapes):
        return g.op("Sub", *inputs)

    @classmethod
    def cases(cls):
        yield Case(cls(), [(3,), (3,)])
        yield Case(cls(), [(1, 2), (1, 2)], batch=1)
