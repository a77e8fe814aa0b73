"""add: y = x₁ + x₂ + …, all of one shape; the join of a residual connection."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bpcore.errors import ShapeError, expected
from bpcore.layers import Case, Layer
from bpcore.shapes import describe


@dataclass(frozen=True)
class Add(Layer):
    arity: ClassVar[tuple[int, int | None]] = (2, None)

    def output_shape(self, first, *others):
        for other in others:
            if other != first:
                raise ShapeError(expected(f"inputs of one shape, {describe(first)}", describe(other)))
        return first

    def forward(self, w):
        np.add(w.inputs[0], w.inputs[1], out=w.y)
        for x in w.inputs[2:]:
            w.y += x

    def backward(self, w):
        for dx in w.dinputs:
            if dx is not None:
                dx[...] = w.dy

    def onnx(self, g, inputs, p, shapes):
        return g.op("Sum", *inputs)

    @classmethod
    def cases(cls):
        yield Case(cls(), [(3,), (3,)])
        yield Case(cls(), [(2, 2), (2, 2), (2, 2)])
        yield Case(cls(), [(1,), (1,)], batch=1)
