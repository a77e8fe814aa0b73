"""concat: the inputs one behind the other along `axis`; all other axes are alike.

x_i: (…, size_i, …), y: (…, Σ size_i, …). Axes are a sample's: 0 is the first behind the batch, −1 the
last. The gradient is cut where the inputs were joined.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bpcore.attributes import axis
from bpcore.errors import ShapeError, expected
from bpcore.layers import Case, Layer
from bpcore.numerics.axes import place_of_axis
from bpcore.shapes import describe


@dataclass(frozen=True)
class Concat(Layer):
    arity: ClassVar[tuple[int, int | None]] = (2, None)
    keeps_output: ClassVar[bool] = False
    axis: int = axis(-1)

    def output_shape(self, first, *others):
        place = place_of_axis(self.axis, first)
        before, behind = first[:place], first[place + 1:]
        for other in others:
            if len(other) != len(first) or (other[:place], other[place + 1:]) != (before, behind):
                wants = f"inputs that differ in axis {self.axis} alone from {describe(first)}"
                raise ShapeError(expected(wants, describe(other)))
        return (*before, sum(shape[place] for shape in (first, *others)), *behind)

    def forward(self, w):
        np.concatenate(w.inputs, axis=self._axis, out=w.y)

    def backward(self, w):
        cuts = np.cumsum([x.shape[self._axis] for x in w.inputs])[:-1]
        for dx, part in zip(w.dinputs, np.split(w.dy, cuts, axis=self._axis)):
            if dx is not None:
                dx[...] = part

    @property
    def _axis(self) -> int:
        """The axis in a batch, which has one more in front."""
        return self.axis if self.axis < 0 else self.axis + 1

    def onnx(self, g, inputs, p, shapes):
        return g.op("Concat", *inputs, axis=self._axis)

    @classmethod
    def cases(cls):
        yield Case(cls(), [(3,), (2,)])
        yield Case(cls(axis=0), [(1, 2), (3, 2), (2, 2)])
        yield Case(cls(axis=-2), [(2, 1, 3), (2, 4, 3)], batch=1)
