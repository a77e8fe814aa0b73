"""layer_norm: the features of each position to mean 0 and variance 1, then a trained scale and shift.

y = γ · (x − μ) / √(σ² + ε) + β, with μ and σ² (biased) over the last `axes` axes

x, y: (…, features); gamma, beta: (features,), or as many axes as `axes` says; trained.
Source: Ba et al., "Layer normalization", 2016, section 3.
"""

from dataclasses import dataclass
from typing import ClassVar

from bpcore.attributes import integer, number
from bpcore.initializers import Initializer
from bpcore.initializers.constant import Constant
from bpcore.initializers.zeros import Zeros
from bpcore.layers import Case, Listed, Parameter, initializer
from bpcore.numerics.normalization import normalize, normalize_back, require_last_axes


@dataclass(frozen=True)
class LayerNorm(Listed):
    keeps_output: ClassVar[bool] = False
    axes: int = integer(1, minimum=1)
    epsilon: float = number(1e-5, above=0)
    gamma_initializer: Initializer = initializer(Constant(1.0))
    beta_initializer: Initializer = initializer(Zeros())

    def output_shape(self, x):
        require_last_axes(x, self.axes)
        return x

    def parameters(self, x):
        shape = x[-self.axes:]
        return {"gamma": Parameter(shape, self.gamma_initializer), "beta": Parameter(shape, self.beta_initializer)}

    def ahead(self, w):
        yield normalize(w, self.epsilon, centred=True)

    def back(self, w):
        yield normalize_back(w, centred=True)

    def onnx(self, g, inputs, p, shapes):
        return g.op("LayerNormalization", inputs[0], g.constant(p["gamma"]), g.constant(p["beta"]), axis=-self.axes, epsilon=self.epsilon)

    @classmethod
    def cases(cls):
        yield Case(cls(), [(5,)])
        yield Case(cls(epsilon=0.1), [(2, 3, 4)])
        yield Case(cls(axes=2), [(2, 3, 2)])
        yield Case(cls(), [(1, 1)], batch=1)
