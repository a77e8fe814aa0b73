"""group_norm: each sample's channels, a group at a time, to mean 0 and variance 1, then a trained scale and shift.

y = γ · (x − μ) / √(σ² + ε) + β, with μ and σ² (biased) over a group's channels and all axes before them

x, y: (…, channels); gamma, beta: (channels,). As many groups as channels make it instance
normalization; one group normalizes the whole sample.
Source: Wu & He, "Group normalization", ECCV 2018, section 3.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bpcore.attributes import integer, number
from bpcore.errors import ShapeError, expected
from bpcore.initializers import Initializer
from bpcore.initializers.constant import Constant
from bpcore.initializers.zeros import Zeros
from bpcore.layers import Case, Layer, Parameter, Workspace, initializer
from bpcore.shapes import describe
from bpcore.sums import channel_sums, positions
from bpcore.windows_onnx import channels_first, channels_last


@dataclass(frozen=True)
class GroupNorm(Layer):
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

    def forward(self, w):
        x, y = positions(w.x), positions(w.y)
        mean, inverse = self._kept(w)
        mean[...] = self._average(x)
        np.subtract(x, mean, out=y)
        squares = np.square(y, out=w.temporary("products", y.shape))
        np.divide(1, np.sqrt(self._average(squares) + self.epsilon), out=inverse)
        y *= inverse * w.p["gamma"]
        y += w.p["beta"]

    def backward(self, w):
        x, dy, (mean, inverse) = positions(w.x), positions(w.dy), self._kept(w)
        normal = np.subtract(x, mean, out=w.temporary("normal", x.shape) if w.dx is None else positions(w.dx))
        normal *= inverse
        products = np.multiply(dy, normal, out=w.temporary("products", x.shape))
        channel_sums(products, out=w.g["gamma"])
        channel_sums(dy, out=w.g["beta"])
        if w.dx is not None:
            # dx holds x̂, and becomes (γ dy − mean of γ dy − x̂ · mean of γ dy x̂) / √(…).
            normal *= -self._average(products, w.p["gamma"])
            normal -= self._average(dy, w.p["gamma"])
            normal += np.multiply(dy, w.p["gamma"], out=products)
            normal *= inverse

    def _average(self, x: np.ndarray, gamma: float | np.ndarray = 1.0) -> np.ndarray:
        """(n, 1, channels): the mean of γ x over a channel's group."""
        n, places, channels = x.shape
        sums = gamma * (np.ones(places, x.dtype) @ x)
        means = sums.reshape(n, self.groups, -1).sum(axis=2) / (places * channels // self.groups)
        return np.repeat(means, channels // self.groups, axis=1)[:, None]

    def _kept(self, w: Workspace) -> tuple[np.ndarray, np.ndarray]:
        """μ and 1 / √(…) of each sample and channel, kept for the gradient."""
        shape = (len(w.x), 1, w.x.shape[-1])
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
