"""relu: y = max(x, 0), elementwise; the gradient at 0 is 0."""

from dataclasses import dataclass
from typing import ClassVar

from bpcore.layers import Case, Listed
from bpcore.numerics.rectification import rectified, rectify_back


@dataclass(frozen=True)
class Relu(Listed):
    over_inputs: ClassVar[int] = 1
    over_gradient: ClassVar[int] = 1

    def output_shape(self, x):
        return x

    def ahead(self, w):
        yield from rectified(w)

    def back(self, w):
        if w.dx is not None:
            yield from rectify_back(w, w.dy, w.dx)

    def onnx(self, g, inputs, p, shapes):
        return g.op("Relu", inputs[0])

    @classmethod
    def cases(cls):
        yield Case(cls(), [(5,)])
        yield Case(cls(), [(2, 3, 2)], batch=1)
