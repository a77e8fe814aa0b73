"""conv_transpose2d: what conv2d does to its gradient, as a layer that enlarges; channels-last.

y[i·s + u − p, j·s + v − p, f] += x[i, j, c] · W[u, v, c, f] over all i, j, u, v, c; then y += b

x: (height, width, in), W: (kernel height, kernel width, in, filters), b: (filters,), y: (out height, out
width, filters) with out = (in − 1) · stride + kernel − 2 · padding + output_padding. `padding` cuts off so
much at both ends; `output_padding` < stride adds at the far end, to choose among the inputs that a conv2d
of that stride makes as large. Source: Dumoulin & Visin, "A guide to convolution arithmetic for deep
learning", 2016, chapter 4.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from bpcore.attributes import flag, integer, pair
from bpcore.errors import ShapeError, expected
from bpcore.initializers import Initializer
from bpcore.initializers.he_uniform import HeUniform
from bpcore.initializers.zeros import Zeros
from bpcore.layers import Case, Layer, Parameter, Workspace, initializer
from bpcore.numerics.convolution import correlate, correlate_weight, spread
from bpcore.numerics.sums import channel_sums
from bpcore.numerics.windows import Grid
from bpcore.numerics.windows_onnx import channels_first, channels_last
from bpcore.shapes import require_axes


@dataclass(frozen=True)
class ConvTranspose2d(Layer):
    torch_axes: ClassVar[Mapping[str, tuple[int, ...]]] = {"weight": (2, 3, 0, 1)}
    keeps_output: ClassVar[bool] = False
    filters: int = integer(minimum=1)
    kernel: tuple[int, int] = pair()
    stride: tuple[int, int] = pair((1, 1))
    padding: tuple[int, int] = pair((0, 0), minimum=0)
    output_padding: tuple[int, int] = pair((0, 0), minimum=0)
    bias: bool = flag(True)
    weight_initializer: Initializer = initializer(HeUniform())
    bias_initializer: Initializer = initializer(Zeros())

    def output_shape(self, x):
        require_axes(x, "height", "width", "channels", hint="give images a channel axis, such as [28, 28, 1]")
        each = zip(("height", "width"), x, self.kernel, self.stride, self.padding, self.output_padding)
        return (*(_length(*numbers) for numbers in each), self.filters)

    def parameters(self, x):
        area, steps = self.kernel[0] * self.kernel[1], self.stride[0] * self.stride[1]
        weight = Parameter((*self.kernel, x[2], self.filters), self.weight_initializer,
                           fan_in=max(1, area * x[2] // steps), fan_out=area * self.filters)
        bias = {"bias": Parameter((self.filters,), self.bias_initializer)} if self.bias else {}
        return {"weight": weight, **bias}

    def forward(self, w):
        spread(w, w.x, w.p["weight"].swapaxes(2, 3), self._grid(w), 1, w.y)
        if self.bias:
            w.y += w.p["bias"]

    def backward(self, w):
        windows = self._grid(w)
        correlate_weight(w, w.dy, w.x, windows, 1, w.g["weight"].swapaxes(2, 3))
        if self.bias:
            channel_sums(w.dy, out=w.g["bias"])
        if w.dx is not None:
            correlate(w, w.dy, w.p["weight"].swapaxes(2, 3), windows, 1, w.dx)

    def _grid(self, w: Workspace) -> Grid:
        """Where the window of each input place lies in the output."""
        return Grid(w.y.shape[1:3], self.kernel, self.stride, (1, 1), self.padding, w.x.shape[1:3])

    def onnx(self, g, inputs, p, shapes):
        constants = [g.constant(p["weight"].transpose(2, 3, 0, 1)), *([g.constant(p["bias"])] if self.bias else [])]
        y = g.op("ConvTranspose", channels_first(g, inputs[0], 3), *constants, kernel_shape=list(self.kernel),
                 strides=list(self.stride), pads=[*self.padding, *self.padding], output_padding=list(self.output_padding))
        return channels_last(g, y, 3)

    @classmethod
    def cases(cls):
        yield Case(cls(filters=2, kernel=(3, 3)), [(3, 4, 2)])
        yield Case(cls(filters=3, kernel=(3, 2), stride=(2, 3), output_padding=(1, 2)), [(3, 2, 2)])
        yield Case(cls(filters=2, kernel=(4, 4), stride=(2, 2), padding=(1, 1), bias=False), [(2, 3, 3)])
        yield Case(cls(filters=2, kernel=(3, 3), padding=(1, 1)), [(3, 4, 1)])
        yield Case(cls(filters=1, kernel=(1, 1), stride=(3, 2)), [(2, 2, 1)])
        yield Case(cls(filters=1, kernel=(1, 1)), [(1, 1, 1)], batch=1)


def _length(axis: str, size: int, kernel: int, stride: int, cut: int, extra: int) -> int:
    """Of one axis of the output. Raises ShapeError."""
    whole = (size - 1) * stride + kernel + extra
    if extra >= stride:
        raise ShapeError(expected(f"output_padding smaller than the stride {stride} of the {axis}", extra))
    if whole <= 2 * cut:
        raise ShapeError(expected(f"padding that leaves something of the {axis} {whole}", cut, "use a smaller padding"))
    return whole - 2 * cut
