"""gaussian_noise: y = x + stddev · ε with ε ~ N(0, 1) in training; y = x in evaluation.

Source: Bishop, "Training with noise is equivalent to Tikhonov regularization", Neural Computation 7
(1995).
"""

from dataclasses import dataclass
from typing import ClassVar

from bpcore.attributes import number
from bpcore.layers import Case, Layer


@dataclass(frozen=True)
class GaussianNoise(Layer):
    keeps_output: ClassVar[bool] = False
    over_gradient: ClassVar[int] = 1
    stddev: float = number(0.1, minimum=0)

    def output_shape(self, x):
        return x

    def forward(self, w):
        if not w.training or self.stddev == 0:
            w.y[...] = w.x
            return
        w.rng().standard_normal(out=w.y, dtype=w.y.dtype)
        w.y *= self.stddev
        w.y += w.x

    def backward(self, w):
        if w.dx is not None:
            w.dx[...] = w.dy

    def onnx(self, g, inputs, p, shapes):
        return g.op("Identity", inputs[0])

    @classmethod
    def cases(cls):
        yield Case(cls(), [(20,)])
        yield Case(cls(stddev=2.0), [(3, 2)], training=False)
        yield Case(cls(stddev=0.0), [(1,)], batch=1)
