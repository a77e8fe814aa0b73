"""flatten: one axis from all. x: (a, b, …), y: (a·b·…,), in row-major order."""

from dataclasses import dataclass
from math import prod
from typing import ClassVar

from bpcore.layers import Case, Layer


@dataclass(frozen=True)
class Flatten(Layer):
    keeps_output: ClassVar[bool] = False
    over_inputs: ClassVar[int] = 1
    over_gradient: ClassVar[int] = 1

    def output_shape(self, x):
        return (prod(x),)

    def forward(self, w):
        w.y[...] = w.x.reshape(w.y.shape)

    def backward(self, w):
        if w.dx is not None:
            w.dx[...] = w.dy.reshape(w.dx.shape)

    def onnx(self, g, inputs, p, shapes):
        return g.op("Flatten", inputs[0])

    @classmethod
    def cases(cls):
        yield Case(cls(), [(2, 3, 4)])
        yield Case(cls(), [(1,)], batch=1)
