"""leaky_relu: y = x for x > 0, slope · x otherwise, elementwise; the gradient at 0 is the slope.

Source: Maas et al., "Rectifier nonlinearities improve neural network acoustic models", ICML 2013.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.attributes import number
from bpcore.layers import Case, Layer


@dataclass(frozen=True)
class LeakyRelu(Layer):
    slope: float = number(0.01)

    def output_shape(self, x):
        return x

    def forward(self, w):
        np.multiply(w.x, self.slope, out=w.y)
        np.copyto(w.y, w.x, where=w.x > 0)

    def backward(self, w):
        if w.dx is not None:
            np.multiply(w.dy, self.slope, out=w.dx)
            np.copyto(w.dx, w.dy, where=w.x > 0)

    def onnx(self, g, inputs, p, shapes):
        return g.op("LeakyRelu", inputs[0], alpha=self.slope)

    @classmethod
    def cases(cls):
        yield Case(cls(), [(5,)])
        yield Case(cls(slope=0.3), [(2, 3, 2)], batch=1)
        yield Case(cls(slope=-1.0), [(1,)])
