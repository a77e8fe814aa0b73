"""relu: y = max(x, 0), elementwise; the gradient at 0 is 0."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from bpcore.layers import Case, Listed


@dataclass(frozen=True)
class Relu(Listed):
    def output_shape(self, x):
        return x

    def ahead(self, w):
        yield partial(np.maximum, w.x, 0, out=w.y)

    def back(self, w):
        if w.dx is not None:
            positive = w.temporary("positive", w.y.shape, np.bool_)
            yield partial(np.greater, w.y, 0, positive)
            yield partial(np.multiply, w.dy, positive, w.dx)

    def onnx(self, g, inputs, p, shapes):
        return g.op("Relu", inputs[0])

    @classmethod
    def cases(cls):
        yield Case(cls(), [(5,)])
        yield Case(cls(), [(2, 3, 2)], batch=1)
