"""squeeze_excite: each channel times a gate that all channels' averages decide.

y = x · sigmoid(relu(s W₁ + b₁) W₂ + b₂), s = the average of each channel of x

x, y: (…, channels) with at least one axis before the channels; hidden = ⌊channels / reduction⌋, at least 1.
squeeze_weight: (channels, hidden), squeeze_bias: (hidden,), excite_weight: (hidden, channels), excite_bias:
(channels,). Source: Hu et al., "Squeeze-and-excitation networks", CVPR 2018, section 3.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bpcore.attributes import integer
from bpcore.errors import ShapeError, expected
from bpcore.initializers import Initializer
from bpcore.initializers.he_uniform import HeUniform
from bpcore.initializers.zeros import Zeros
from bpcore.layers import Case, Layer, Parameter, Workspace, initializer
from bpcore.numerics.pooling import average_of_all
from bpcore.numerics.sums import positions
from bpcore.shapes import describe


@dataclass(frozen=True)
class SqueezeExcite(Layer):
    torch_axes: ClassVar[Mapping[str, tuple[int, ...]]] = {"squeeze_weight": (1, 0), "excite_weight": (1, 0)}
    reduction: int = integer(16, minimum=1)
    weight_initializer: Initializer = initializer(HeUniform())
    bias_initializer: Initializer = initializer(Zeros())

    def output_shape(self, x):
        if len(x) < 2:
            raise ShapeError(expected("(…, channels) with at least one axis before the channels", describe(x)))
        return x

    def parameters(self, x):
        channels, hidden = x[-1], max(1, x[-1] // self.reduction)
        return {"squeeze_weight": Parameter((channels, hidden), self.weight_initializer, fan_in=channels, fan_out=hidden),
                "squeeze_bias": Parameter((hidden,), self.bias_initializer),
                "excite_weight": Parameter((hidden, channels), self.weight_initializer, fan_in=hidden, fan_out=channels),
                "excite_bias": Parameter((channels,), self.bias_initializer)}

    def forward(self, w):
        averages, active, gate = _kept(w)
        average_of_all(w.x, averages)
        np.maximum(averages @ w.p["squeeze_weight"] + w.p["squeeze_bias"], 0, out=active)
        gate[...] = 0.5 + 0.5 * np.tanh(0.5 * (active @ w.p["excite_weight"] + w.p["excite_bias"]))
        np.multiply(positions(w.x), gate[:, None], out=positions(w.y))

    def backward(self, w):
        x, dy, (averages, active, gate) = positions(w.x), positions(w.dy), _kept(w)
        products = np.multiply(x, dy, out=w.temporary("products", x.shape))
        dgate = (np.ones(x.shape[1], x.dtype) @ products) * gate * (1 - gate)
        np.matmul(active.T, dgate, out=w.g["excite_weight"])
        np.sum(dgate, axis=0, out=w.g["excite_bias"])
        dactive = dgate @ w.p["excite_weight"].T * (active > 0)
        np.matmul(averages.T, dactive, out=w.g["squeeze_weight"])
        np.sum(dactive, axis=0, out=w.g["squeeze_bias"])
        if w.dx is not None:
            np.multiply(dy, gate[:, None], out=positions(w.dx))
            positions(w.dx)[...] += (dactive @ w.p["squeeze_weight"].T / x.shape[1])[:, None]

    def onnx(self, g, inputs, p, shapes):
        averages = g.op("ReduceMean", inputs[0], g.constant(list(range(1, len(shapes[0])))))
        hidden = g.op("Add", g.op("MatMul", averages, g.constant(p["squeeze_weight"])), g.constant(p["squeeze_bias"]))
        gate = g.op("Add", g.op("MatMul", g.op("Relu", hidden), g.constant(p["excite_weight"])), g.constant(p["excite_bias"]))
        return g.op("Mul", inputs[0], g.op("Sigmoid", gate))

    @classmethod
    def cases(cls):
        yield Case(cls(reduction=2), [(3, 2, 4)])
        yield Case(cls(), [(4, 3)])
        yield Case(cls(reduction=1), [(1, 1, 1)], batch=1)


def _kept(w: Workspace) -> Iterator[np.ndarray]:
    """(n, channels), (n, hidden), (n, channels): averages, hidden units and gates, kept for the gradient."""
    channels, hidden = w.p["squeeze_weight"].shape
    return (w.scratch(name, (len(w.x), size)) for name, size in (("averages", channels), ("active", hidden), ("gate", channels)))
