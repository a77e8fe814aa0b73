"""reshape: the same numbers in another shape, in row-major order. x: (a, b, …), y: `shape`.

One axis of `shape` may be -1: it becomes what the others leave. The batch axis is not part of it.
"""

from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar

from bpcore.attributes import attribute, to_integer
from bpcore.errors import ShapeError, expected
from bpcore.layers import Case, Layer
from bpcore.shapes import describe


def _target(value: Any) -> tuple[int, ...]:
    sizes = tuple(to_integer(size, -1) for size in value) if isinstance(value, (list, tuple)) else (0,)
    if 0 in sizes or sizes.count(-1) > 1:
        raise ValueError
    return sizes


@dataclass(frozen=True)
class Reshape(Layer):
    keeps_output: ClassVar[bool] = False
    over_inputs: ClassVar[int] = 1
    over_gradient: ClassVar[int] = 1
    shape: tuple[int, ...] = attribute("a list of positive integers, one of which may be -1", _target)

    def output_shape(self, x):
        known = prod(size for size in self.shape if size > 0)
        left, over = divmod(prod(x), known)
        if over or left != 1 and -1 not in self.shape:
            raise ShapeError(expected(f"{known} numbers{' or a multiple' * (-1 in self.shape)}, to be of shape {describe(self.shape)}",
                                      describe(x), "use -1 for the axis that is to fit"))
        return tuple(left if size == -1 else size for size in self.shape)

    def forward(self, w):
        w.y[...] = w.x.reshape(w.y.shape)

    def backward(self, w):
        if w.dx is not None:
            w.dx[...] = w.dy.reshape(w.dx.shape)

    def onnx(self, g, inputs, p, shapes):
        return g.op("Reshape", inputs[0], g.constant([-1, *self.output_shape(*shapes)]))

    @classmethod
    def cases(cls):
        yield Case(cls(shape=(3, 4)), [(2, 6)])
        yield Case(cls(shape=(2, -1, 1)), [(3, 4)])
        yield Case(cls(shape=(-1,)), [(1, 1)], batch=1)
