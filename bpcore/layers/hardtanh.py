"""hardtanh: y = x within [minimum, maximum], else the nearer bound, elementwise; no gradient at a bound.

With minimum 0 and maximum 6 it is relu6. Source: Collobert, "Large scale machine learning", thesis,
Université Paris VI (2004), section 5.2.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.attributes import number
from bpcore.errors import InvalidInput, Problem, expected
from bpcore.layers import Case, Layer


@dataclass(frozen=True)
class Hardtanh(Layer):
    minimum: float = number(-1.0)
    maximum: float = number(1.0)

    def __post_init__(self):
        if self.minimum >= self.maximum:
            raise InvalidInput([Problem("maximum", expected(f"a number > the minimum {self.minimum:g}", self.maximum))])

    def output_shape(self, x):
        return x

    def forward(self, w):
        np.clip(w.x, self.minimum, self.maximum, out=w.y)

    def backward(self, w):
        if w.dx is not None:
            np.multiply(w.dy, w.y > self.minimum, out=w.dx)
            w.dx *= w.y < self.maximum

    def onnx(self, g, inputs, p, shapes):
        return g.op("Clip", inputs[0], g.constant(np.float32(self.minimum)), g.constant(np.float32(self.maximum)))

    @classmethod
    def cases(cls):
        yield Case(cls(), [(7,)])
        yield Case(cls(minimum=0.0, maximum=0.5), [(2, 3, 2)], batch=1)
