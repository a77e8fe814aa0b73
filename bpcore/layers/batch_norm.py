"""batch_norm: each channel to mean 0 and variance 1, then a trained scale and shift.

y = γ · (x − μ) / √(σ² + ε) + β

x, y: (…, channels); gamma, beta, running_mean, running_var: (channels,). In training μ and σ² (biased) are
those of the logical shard that the layer is given, or with `sync` of the whole global batch, over the batch
and all axes but the last; in evaluation the running ones. These move by `momentum` towards μ and the
unbiased σ² (of a single value: 0), as in PyTorch; without `sync` towards their mean over all shards.
Source: Ioffe & Szegedy, "Batch normalization", ICML 2015, algorithms 1 and 2.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bpcore import kernels, memory
from bpcore.attributes import flag, number
from bpcore.errors import ShapeError, expected
from bpcore.initializers import Initializer
from bpcore.initializers.constant import Constant
from bpcore.initializers.zeros import Zeros
from bpcore.layers import Case, Layer, Parameter, Workspace, initializer
from bpcore.numerics.windows_onnx import channels_first, channels_last
from bpcore.shapes import describe


@dataclass(frozen=True)
class BatchNorm(Layer):
    keeps_output: ClassVar[bool] = False
    over_gradient: ClassVar[int] = 1
    rectifies: ClassVar[bool] = True
    momentum: float = number(0.1, minimum=0, below=1)
    epsilon: float = number(1e-5, above=0)
    sync: bool = flag(False)
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
        if w.training and self.sync:
            self._measure(w, mean, variance)
        elif w.training:
            mean[...], squares = _moments(w)
            variance[...] = squares / _count(w)
        kernels.batch_norm.normalize(_flat(w.x), mean, self._scale(w, variance), w.p["beta"], w.rectified, memory.flat(w.y))

    def backward(self, w):
        mean, variance = self._statistics(w)
        scale, inverse = self._scale(w, variance), 1 / np.sqrt(variance + self.epsilon)
        beta, gamma = _gradient_sums(w, mean, scale)
        gamma *= inverse
        w.g["beta"][...], w.g["gamma"][...] = beta, gamma
        count = _count(w)
        if w.training and self.sync:
            beta, gamma, count = self._totals(w, True)
            gamma = gamma * inverse
        self._move(w, mean, variance, count)
        if w.dx is not None:
            # γ/σ · (dy − mean of dy − x̂ · mean of dy x̂); in evaluation μ and σ do not move with x.
            level, slope = (sums.astype(w.x.dtype) * w.training for sums in (beta / count, gamma * inverse / count))
            kernels.batch_norm.gradient(memory.flat(w.dy), _flat(w.x), mean, scale, w.p["beta"], w.rectified, level, slope, memory.flat(w.dx))

    def whole_batch(self, x):
        return 2 * x[-1] + 1 if self.sync else 0

    def collect(self, w, backward):
        """Before forward Σ (x − k) and Σ (x − k)², k being the running mean; before backward Σ dy and
        Σ dy (x − μ). Last the number of values."""
        if backward:
            mean, variance = self._statistics(w)
            return np.concatenate([*_gradient_sums(w, mean, self._scale(w, variance)), [_count(w)]])
        mean, squares = _moments(w)
        moved = mean - w.p["running_mean"]
        return np.concatenate([_count(w) * moved, squares + _count(w) * moved**2, [_count(w)]])

    def _totals(self, w: Workspace, backward: bool) -> tuple[np.ndarray, np.ndarray, float]:
        """The sums of `collect` over the whole batch, and how many values it has."""
        totals = self.collect(w, backward) if w.totals is None else w.totals
        first, second = totals[:-1].reshape(2, -1)
        return first, second, float(totals[-1])

    def _measure(self, w: Workspace, mean: np.ndarray, variance: np.ndarray) -> None:
        """Writes μ and σ² of the whole batch."""
        sums, squares, count = self._totals(w, False)
        mean[...] = w.p["running_mean"] + sums / count
        variance[...] = np.maximum(squares / count - np.square(sums / count), 0)

    def _scale(self, w: Workspace, variance: np.ndarray) -> np.ndarray:
        """γ / √(σ² + ε)."""
        return w.p["gamma"] / np.sqrt(variance + self.epsilon)

    def _statistics(self, w: Workspace) -> tuple[np.ndarray, np.ndarray]:
        """μ and σ²: in training where forward writes those of the batch, else the running ones."""
        if w.training:
            return w.scratch("mean", w.x.shape[-1:]), w.scratch("variance", w.x.shape[-1:])
        return w.p["running_mean"], w.p["running_var"]

    def _move(self, w: Workspace, mean: np.ndarray, variance: np.ndarray, count: float) -> None:
        """What the running statistics move towards, times n; in evaluation they stay where they are."""
        n = len(w.x)
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
        yield Case(cls(sync=True), [(4,)], batch=5)
        yield Case(cls(epsilon=0.1, sync=True), [(3, 2, 2)])
        yield Case(cls(sync=True), [(4, 3)], training=False)


def _count(w: Workspace) -> int:
    """Values a channel has in the batch."""
    return w.x.size // w.x.shape[-1]


def _moments(w: Workspace) -> tuple[np.ndarray, np.ndarray]:
    """μ and Σ (x − μ)² of each channel; float64."""
    mean, squares = np.empty(w.x.shape[-1]), np.empty(w.x.shape[-1])
    kernels.batch_norm.moments(_flat(w.x), mean, squares)
    return mean, squares


def _gradient_sums(w: Workspace, mean: np.ndarray, scale: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Σ dy and Σ dy (x − μ) of each channel; float64."""
    total, product = np.empty(w.x.shape[-1]), np.empty(w.x.shape[-1])
    kernels.batch_norm.gradient_sums(memory.flat(w.dy), _flat(w.x), mean, scale, w.p["beta"], w.rectified, total, product)
    return total, product


def _flat(x: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(x).reshape(-1)
