"""spatial_dropout: whole channels of a sample dropped in training, the others scaled; y = x in evaluation.

y = x · m / (1 − rate) with one m ~ Bernoulli(1 − rate) for each channel of each sample

x, y: (length, channels) or (height, width, channels). Neighbouring places of a feature map say the
same: to drop single ones hides nothing. Source: Tompson et al., "Efficient object localization using
convolutional networks", CVPR 2015, section 3.2.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bpcore.attributes import number
from bpcore.errors import ShapeError, expected
from bpcore.layers import Case, Layer, Workspace
from bpcore.shapes import describe


@dataclass(frozen=True)
class SpatialDropout(Layer):
    keeps_output: ClassVar[bool] = False
    over_inputs: ClassVar[int] = 1
    over_gradient: ClassVar[int] = 1
    rate: float = number(0.5, minimum=0, below=1)

    def output_shape(self, x):
        if len(x) < 2:
            raise ShapeError(expected("(…, channels) with at least one axis before the channels", describe(x), "use dropout"))
        return x

    def forward(self, w):
        if not w.training or self.rate == 0:
            w.y[...] = w.x
            return
        mask = _mask(w)
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
            np.multiply(w.dy, _mask(w), out=w.dx)

    def onnx(self, g, inputs, p, shapes):
        return g.op("Identity", inputs[0])

    @classmethod
    def cases(cls):
        yield Case(cls(rate=0.3), [(3, 20)])
        yield Case(cls(), [(2, 2, 10)])
        yield Case(cls(rate=0.3), [(2, 2, 4)], training=False)
        yield Case(cls(rate=0.0), [(1, 1)], batch=1)


def _mask(w: Workspace) -> np.ndarray:
    """(n, 1 …, channels): what each channel is multiplied by, kept for the gradient."""
    return w.scratch("mask", (len(w.x), *(1,) * (w.x.ndim - 2), w.x.shape[-1]))
