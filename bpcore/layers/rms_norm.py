"""rms_norm: the features of each position to a mean square of 1, then a trained scale.

y = γ · x / √(mean of x² + ε), the mean over the last `axes` axes

x, y: (…, features); gamma: (features,), or as many axes as `axes` says.
Source: Zhang & Sennrich, "Root mean square layer normalization", NeurIPS 2019, section 4.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bpcore.attributes import integer, number
from bpcore.initializers import Initializer
from bpcore.initializers.constant import Constant
from bpcore.layers import Case, Listed, Parameter, initializer
from bpcore.numerics.normalization import normalize, normalize_back, require_last_axes


@dataclass(frozen=True)
class RmsNorm(Listed):
    keeps_output: ClassVar[bool] = False
    axes: int = integer(1, minimum=1)
    epsilon: float = number(1e-6, above=0)
    gamma_initializer: Initializer = initializer(Constant(1.0))

    def output_shape(self, x):
        require_last_axes(x, self.axes)
        return x

    def parameters(self, x):
        return {"gamma": Parameter(x[-self.axes:], self.gamma_initializer)}

    def ahead(self, w):
        yield normalize(w, self.epsilon, centred=False)

    def back(self, w):
        yield normalize_back(w, centred=False)

    def onnx(self, g, inputs, p, shapes):
        """Written out: its operator came with opset 23."""
        squares = g.op("Mul", inputs[0], inputs[0])
        mean = g.op("ReduceMean", squares, g.constant(list(range(-self.axes, 0))))
        root = g.op("Sqrt", g.op("Add", mean, g.constant(np.array(self.epsilon, p["gamma"].dtype))))
        return g.op("Mul", g.op("Div", inputs[0], root), g.constant(p["gamma"]))

    @classmethod
    def cases(cls):
        yield Case(cls(), [(5,)])
        yield Case(cls(epsilon=0.1), [(2, 3, 4)])
        yield Case(cls(axes=2), [(2, 3, 2)])
        yield Case(cls(epsilon=0.5), [(1, 1)], batch=1)
