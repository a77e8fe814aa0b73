"""elu: y = x for x > 0, alpha (eˣ − 1) otherwise, elementwise; the gradient at 0 is alpha.

Source: Clevert et al., "Fast and accurate deep network learning by exponential linear units (ELUs)",
ICLR 2016, equation 14.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.attributes import number
from bpcore.layers import Case, Layer


@dataclass(frozen=True)
class Elu(Layer):
    alpha: float = number(1.0, minimum=0)

    def output_shape(self, x):
        return x

    def forward(self, w):
        np.minimum(w.x, 0, out=w.y)  # no overflow where the exponential is not wanted
        np.expm1(w.y, out=w.y)
        w.y *= self.alpha
        np.copyto(w.y, w.x, where=w.x > 0)

    def backward(self, w):
        if w.dx is not None:
            np.add(w.y, self.alpha, out=w.dx)  # alpha eˣ
            w.dx *= w.dy
            np.copyto(w.dx, w.dy, where=w.x > 0)

    def onnx(self, g, inputs, p, shapes):
        return g.op("Elu", inputs[0], alpha=self.alpha)

    @classmethod
    def cases(cls):
        yield Case(cls(), [(5,)])
        yield Case(cls(alpha=0.3), [(2, 3, 2)], batch=1)
