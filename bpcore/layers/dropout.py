"""dropout: y = x · m / (1 − rate) with m ~ Bernoulli(1 − rate) in training; y = x in evaluation.

Source: Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", JMLR 15
(2014); scaled while training ("inverted"), so that evaluation needs no change.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bpcore.attributes import number
from bpcore.layers import Case, Layer


@dataclass(frozen=True)
class Dropout(Layer):
    keeps_output: ClassVar[bool] = False
    over_inputs: ClassVar[int] = 1
    over_gradient: ClassVar[int] = 1
    rate: float = number(0.5, minimum=0, below=1)

    def output_shape(self, x):
        return x

    def forward(self, w):
        if not w.training or self.rate == 0:
            w.y[...] = w.x
            return
        mask = w.scratch("mask", w.x.shape)
        w.rng().random(out=mask, dtype=mask.dtype)
        np.greater_equal(mask, self.rate, out=mask)
        mask /= 1 - self.rate
        np.multiply(w.x, mask, out=w.y)

    def backward(self, w):
        if w.dx is None:
            return
        if not w.training or self.rate == 0:
            w.dx[...] = w.dy
        else:
            np.multiply(w.dy, w.scratch("mask", w.x.shape), out=w.dx)

    def onnx(self, g, inputs, p, shapes):
        return g.op("Identity", inputs[0])

    @classmethod
    def cases(cls):
        yield Case(cls(rate=0.3), [(20,)])
        yield Case(cls(rate=0.3), [(20,)], training=False)
        yield Case(cls(rate=0.0), [(2, 2)], batch=1)
