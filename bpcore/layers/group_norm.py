"""group_norm: each sample's channels, a group at a time, to mean 0 and variance 1, then a trained scale and shift.

y = γ · (x − μ) / √(σ² + ε) + β, with μ and σ² (biased) over a group's channels and all axes before them

x, y: (…, channels); gamma, beta: (channels,). As many groups as channels make it instance
normalization; one group normalizes the whole sample.
Source: Wu & He, "Group normalization", ECCV 2018, section 3.
"""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np

from bpcore import kernels
from bpcore.attributes import integer, number
from bpcore.errors import ShapeError, expected
from bpcore.initializers import Initializer
from bpcore.initializers.constant import Constant
from bpcore.initializers.zeros import Zeros
from bpcore.layers import Case, Listed, Parameter, Workspace, initializer
from bpcore.numerics.windows_onnx import channels_first, channels_last
from bpcore.shapes import describe


@dataclass(frozen=True)
class GroupNorm(Listed):
    keeps_output: ClassVar[bool] = False
    groups: int = integer(minimum=1)
    epsilon: float = number(1e-5, above=0)
    gamma_initializer: Initializer = initializer(Constant(1.0))
    beta_initializer: Initializer = initializer(Zeros())

    def output_shape(self, x):
        if not x or x[-1] % self.groups:
            raise ShapeError(expected(f"(…, channels) with a number of channels that {self.groups} groups divide", describe(x)))
        return x

    def parameters(self, x):
        return {"gamma": Parameter(x[-1:], self.gamma_initializer), "beta": Parameter(x[-1:], self.beta_initializer)}

    def ahead(self, w):
        x, y = _samples(w.x), _samples(w.y)
        yield partial(kernels.group_norm.normalize.of(y.dtype), x, w.p["gamma"], w.p["beta"], self.groups, self.epsilon, *self._kept(w), y)

    def back(self, w):
        x, dy = _samples(w.x), _samples(w.dy)
        dx = np.empty((0, 0), x.dtype) if w.dx is None else _samples(w.dx)
        yield partial(kernels.group_norm.gradients.of(x.dtype), x, dy, w.p["gamma"], self.groups, *self._kept(w), w.g["gamma"], w.g["beta"], dx)

    def _kept(self, w: Workspace) -> tuple[np.ndarray, np.ndarray]:
        """μ and 1 / √(…) of each sample and channel, kept for the gradient."""
        shape = (len(w.x), w.x.shape[-1])
        return w.scratch("mean", shape), w.scratch("inverse", shape)

    def onnx(self, g, inputs, p, shapes):
        constants = [g.constant(p[name]) for name in ("gamma", "beta")]
        x = channels_first(g, inputs[0], len(shapes[0]))
        y = g.op("GroupNormalization", x, *constants, epsilon=self.epsilon, num_groups=self.groups)
        return channels_last(g, y, len(shapes[0]))

    @classmethod
    def cases(cls):
        yield Case(cls(groups=2), [(3, 2, 4)])
        yield Case(cls(groups=3, epsilon=0.1), [(4, 3)])
        yield Case(cls(groups=1), [(6,)])
        yield Case(cls(groups=1), [(1, 1, 1)], batch=1)


def _samples(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array).reshape(len(array), -1)
