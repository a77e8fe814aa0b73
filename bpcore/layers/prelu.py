"""prelu: y = x for x > 0, a · x otherwise, elementwise, with a slope a that is trained.

x, y: (…, channels); a: (channels,) with `per_channel`, else (1,), one for all. The gradient at 0 is a's
side. Source: He et al., "Delving deep into rectifiers", ICCV 2015, section 2.1.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.attributes import flag
from bpcore.errors import ShapeError, expected
from bpcore.initializers import Initializer
from bpcore.initializers.constant import Constant
from bpcore.layers import Case, Layer, Parameter, initializer
from bpcore.shapes import describe


@dataclass(frozen=True)
class Prelu(Layer):
    per_channel: bool = flag(False)
    slope_initializer: Initializer = initializer(Constant(0.25))

    def output_shape(self, x):
        if not x:
            raise ShapeError(expected("(…, channels)", describe(x)))
        return x

    def parameters(self, x):
        return {"slope": Parameter((x[-1] if self.per_channel else 1,), self.slope_initializer)}

    def forward(self, w):
        np.multiply(w.x, w.p["slope"], out=w.y)
        np.copyto(w.y, w.x, where=w.x > 0)

    def backward(self, w):
        positive, terms = w.x > 0, w.temporary("terms", w.x.shape)
        np.multiply(w.x, w.dy, out=terms)
        terms[positive] = 0
        terms.reshape(-1, w.g["slope"].size).sum(axis=0, out=w.g["slope"])
        if w.dx is not None:
            np.multiply(w.dy, w.p["slope"], out=w.dx)
            np.copyto(w.dx, w.dy, where=positive)

    def onnx(self, g, inputs, p, shapes):
        return g.op("PRelu", inputs[0], g.constant(p["slope"]))

    @classmethod
    def cases(cls):
        yield Case(cls(), [(5,)])
        yield Case(cls(per_channel=True), [(2, 3, 4)])
        yield Case(cls(per_channel=True, slope_initializer=Constant(0.5)), [(1,)], batch=1)
