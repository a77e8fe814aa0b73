"""add: y = x₁ + x₂ + …, all of one shape; the join of a residual connection."""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np

from bpcore.errors import ShapeError, expected
from bpcore.layers import Case, Listed
from bpcore.numerics.rectification import add_rectified, rectify_back
from bpcore.shapes import describe


@dataclass(frozen=True)
class Add(Listed):
    arity: ClassVar[tuple[int, int | None]] = (2, None)
    keeps_output: ClassVar[bool] = False
    over_inputs: ClassVar[int] = 2
    over_gradient: ClassVar[int] = 2
    rectifies: ClassVar[bool] = True

    def output_shape(self, first, *others):
        for other in others:
            if other != first:
                raise ShapeError(expected(f"inputs of one shape, {describe(first)}", describe(other)))
        return first

    def ahead(self, w):
        total, *others, last = w.inputs
        for x in others:
            yield partial(np.add, total, x, w.y)
            total = w.y
        if w.rectified:
            yield from add_rectified(w, total, last)
        else:
            yield partial(np.add, total, last, w.y)

    def back(self, w):
        if w.rectified:
            yield from rectify_back(w, w.dy, w.dy)
        for dx in w.dinputs:
            if dx is not None and not np.may_share_memory(dx, w.dy):
                yield partial(np.copyto, dx, w.dy)

    def onnx(self, g, inputs, p, shapes):
        return g.op("Sum", *inputs)

    @classmethod
    def cases(cls):
        yield Case(cls(), [(3,), (3,)])
        yield Case(cls(), [(2, 2), (2, 2), (2, 2)])
        yield Case(cls(), [(1,), (1,)], batch=1)
