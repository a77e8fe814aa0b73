"""batch_norm: each channel to mean 0 and variance 1, then a trained scale and shift.

y = γ · (x − μ) / √(σ² + ε) + β

x, y: (…, channels); gamma, beta, running_mean, running_var: (channels,). In training μ and σ² (biased) are
those of the logical shard that the layer is given, over the batch and all axes but the last; in evaluation
the running ones. These move by `momentum` towards the mean over all shards of μ and of the unbiased σ²
(of a single value: 0), as in PyTorch. Statistics over the whole global batch (`sync`) are not offered yet.
Source: Ioffe & Szegedy, "Batch normalization", ICML 2015, algorithms 1 and 2.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.attributes import number
from bpcore.errors import ShapeError, expected
from bpcore.initializers import Initializer
from bpcore.initializers.constant import Constant
from bpcore.initializers.zeros import Zeros
from bpcore.layers import Case, Layer, Parameter, Workspace, initializer
from bpcore.shapes import describe
from bpcore.sums import channel_dots, channel_sums
from bpcore.windows_onnx import channels_first, channels_last


@dataclass(frozen=True)
class BatchNorm(Layer):
    momentum: float = number(0.1, minimum=0, below=1)
    epsilon: float = number(1e-5, above=0)
    gamma_initializer: Initializer = initializer(Constant(1.0))
    beta_initializer: Initializer = initializer(Zeros())

    def output_shape(self, x):
        if not x:
            raise ShapeError(expected("(…, channels)", describe(x)))
        return x

    def parameters(self, x):
        return {"gamma": Parameter(x[-1:], self.gamma_initializer), "beta": Parameter(x[-1:], self.beta_initializer),
                "running_mean": Parameter(x[-1:], Zeros(), momentum=self.momentum),
                "running_var": Parameter(x[-1:], Constant(1.0), momentum=self.momentum)}

    def forward(self, w):
        mean, variance = self._statistics(w)
        if w.training:
            np.divide(channel_sums(w.x), _count(w), out=mean)
        np.subtract(w.x, mean, out=w.y)
        if w.training:
            np.divide(channel_dots(w, w.y, w.y), _count(w), out=variance)
        w.y *= w.p["gamma"] / np.sqrt(variance + self.epsilon)
        w.y += w.p["beta"]

    def backward(self, w):
        mean, variance = self._statistics(w)
        inverse = 1 / np.sqrt(variance + self.epsilon)
        centred = np.subtract(w.x, mean, out=w.temporary("centred", w.x.shape) if w.dx is None else w.dx)
        channel_sums(w.dy, out=w.g["beta"])
        np.multiply(channel_dots(w, w.dy, centred), inverse, out=w.g["gamma"])
        self._move(w, mean, variance)
        if w.dx is None:
            return
        if w.training:
            # dx holds x − μ. What follows is γ/σ · (dy − mean of dy − x̂ · mean of dy x̂), without another array.
            w.dx *= -w.g["gamma"] * inverse / _count(w)
            w.dx += w.dy
            w.dx -= w.g["beta"] / _count(w)
            w.dx *= w.p["gamma"] * inverse
        else:
            np.multiply(w.dy, w.p["gamma"] * inverse, out=w.dx)

    def _statistics(self, w: Workspace) -> tuple[np.ndarray, np.ndarray]:
        """μ and σ²: in training where forward writes those of the batch, else the running ones."""
        if w.training:
            return w.scratch("mean", w.x.shape[-1:]), w.scratch("variance", w.x.shape[-1:])
        return w.p["running_mean"], w.p["running_var"]

    def _move(self, w: Workspace, mean: np.ndarray, variance: np.ndarray) -> None:
        """What the running statistics move towards, times n; in evaluation they stay where they are."""
        count, n = _count(w), len(w.x)
        np.multiply(mean, n, out=w.g["running_mean"])
        np.multiply(variance, n * count / max(1, count - 1) if w.training else n, out=w.g["running_var"])

    def onnx(self, g, inputs, p, shapes):
        constants = [g.constant(p[name]) for name in ("gamma", "beta", "running_mean", "running_var")]
        y = g.op("BatchNormalization", channels_first(g, inputs[0], len(shapes[0])), *constants, epsilon=self.epsilon)
        return channels_last(g, y, len(shapes[0]))

    @classmethod
    def cases(cls):
        yield Case(cls(), [(4,)], batch=5)
        yield Case(cls(epsilon=0.1, momentum=0.5), [(3, 2, 2)])
        yield Case(cls(), [(4, 3)], training=False)
        yield Case(cls(), [(3, 2)], batch=1)
        yield Case(cls(), [(1,)], batch=1, training=False)


def _count(w: Workspace) -> int:
    """Values a channel has in the batch."""
    return w.x.size // w.x.shape[-1]
