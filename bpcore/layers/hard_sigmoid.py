"""hard_sigmoid: y = x / 6 + 1/2 within [0, 1], else the nearer bound, elementwise; no gradient at a bound.

Source: Howard et al., "Searching for MobileNetV3", ICCV 2019, section 5.2 (ReLU6(x + 3) / 6).
"""

from dataclasses import dataclass

import numpy as np

from bpcore.layers import Case, Layer


@dataclass(frozen=True)
class HardSigmoid(Layer):
    def output_shape(self, x):
        return x

    def forward(self, w):
        np.divide(w.x, 6, out=w.y)
        w.y += 0.5
        np.clip(w.y, 0, 1, out=w.y)

    def backward(self, w):
        if w.dx is not None:
            np.divide(w.dy, 6, out=w.dx)
            w.dx *= w.y > 0
            w.dx *= w.y < 1

    def onnx(self, g, inputs, p, shapes):
        return g.op("HardSigmoid", inputs[0], alpha=1 / 6, beta=0.5)

    @classmethod
    def cases(cls):
        yield Case(cls(), [(7,)])
        yield Case(cls(), [(2, 3, 2)], batch=1)
