"""transpose: a sample's axes in another order: axis i of y is axis `axes[i]` of x, the batch not counted.

x: (s₀, s₁, …), y: (s_axes[0], s_axes[1], …); the gradient goes back in the inverse order.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from bpcore.attributes import attribute, to_integer
from bpcore.errors import ShapeError, expected
from bpcore.layers import Case, Layer
from bpcore.shapes import describe


def _order(value: Any) -> tuple[int, ...]:
    axes = tuple(to_integer(axis, 0) for axis in value) if isinstance(value, (list, tuple)) else ()
    if not axes or sorted(axes) != list(range(len(axes))):
        raise ValueError
    return axes


@dataclass(frozen=True)
class Transpose(Layer):
    keeps_output: ClassVar[bool] = False
    axes: tuple[int, ...] = attribute("the sample's axes from 0 in their new order, such as [1, 0]", _order)

    def output_shape(self, x):
        if len(x) != len(self.axes):
            raise ShapeError(expected(f"{len(self.axes)} axes, as many as in {list(self.axes)}", describe(x)))
        return tuple(x[axis] for axis in self.axes)

    def forward(self, w):
        w.y[...] = w.x.transpose(self._axes)

    def backward(self, w):
        if w.dx is not None:
            w.dx[...] = w.dy.transpose(np.argsort(self._axes))

    @property
    def _axes(self) -> tuple[int, ...]:
        """The same with the batch, which stays in front."""
        return (0, *(axis + 1 for axis in self.axes))

    def onnx(self, g, inputs, p, shapes):
        return g.op("Transpose", inputs[0], perm=self._axes)

    @classmethod
    def cases(cls):
        yield Case(cls(axes=(1, 0)), [(2, 3)])
        yield Case(cls(axes=(2, 0, 1)), [(2, 3, 4)])
        yield Case(cls(axes=(0,)), [(1,)], batch=1)
