"""conv1d: one-dimensional cross-correlation, channels-last.

y[i, f] = b[f] + Σ_{u,c} x[i·s + u·d, c] · W[u, c, f]

x: (length, in), W: (kernel, in / groups, filters), b: (filters,), y: (out length, filters). Padding,
dilation and groups as in conv2d; a number of zeros goes to both ends.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from bpcore.attributes import flag, integer, padding
from bpcore.initializers import Initializer
from bpcore.initializers.he_uniform import HeUniform
from bpcore.initializers.zeros import Zeros
from bpcore.layers import Case, Layer, Parameter, initializer
from bpcore.numerics.convolution import check_groups, correlate, correlate_weight, spread
from bpcore.numerics.sums import channel_sums
from bpcore.numerics.windows import Grid, grid
from bpcore.numerics.windows_onnx import over_windows
from bpcore.shapes import Shape, require_axes


@dataclass(frozen=True)
class Conv1d(Layer):
    torch_axes: ClassVar[Mapping[str, tuple[int, ...]]] = {"weight": (2, 1, 0)}
    keeps_output: ClassVar[bool] = False
    filters: int = integer(minimum=1)
    kernel: int = integer(minimum=1)
    stride: int = integer(1, minimum=1)
    padding: str | tuple[int] = padding(axes=1)
    dilation: int = integer(1, minimum=1)
    groups: int = integer(1, minimum=1)
    bias: bool = flag(True)
    weight_initializer: Initializer = initializer(HeUniform())
    bias_initializer: Initializer = initializer(Zeros())

    def output_shape(self, x):
        require_axes(x, "length", "channels", hint="give sequences a channel axis, such as [100, 1]")
        check_groups(self.groups, x[1], self.filters)
        return (*self._grid(x).counts, self.filters)

    def parameters(self, x):
        channels = x[1] // self.groups
        weight = Parameter((self.kernel, channels, self.filters), self.weight_initializer,
                           fan_in=self.kernel * channels, fan_out=self.kernel * self.filters // self.groups)
        bias = {"bias": Parameter((self.filters,), self.bias_initializer)} if self.bias else {}
        return {"weight": weight, **bias}

    def forward(self, w):
        correlate(w, w.x, w.p["weight"], self._grid(w.x.shape[1:]), self.groups, w.y, w.p.get("bias"))

    def backward(self, w):
        windows = self._grid(w.x.shape[1:])
        correlate_weight(w, w.x, w.dy, windows, self.groups, w.g["weight"])
        if self.bias:
            channel_sums(w.dy, out=w.g["bias"])
        if w.dx is not None:
            spread(w, w.dy, w.p["weight"], windows, self.groups, w.dx)

    def _grid(self, x: Shape) -> Grid:
        hint = "use padding: same, or a smaller kernel"
        return grid(x[:1], (self.kernel,), (self.stride,), self.padding, (self.dilation,), hint)

    def onnx(self, g, inputs, p, shapes):
        constants = [g.constant(p["weight"].transpose(2, 1, 0)), *([g.constant(p["bias"])] if self.bias else [])]
        return over_windows(g, "Conv", inputs[0], self._grid(shapes[0]), *constants, group=self.groups)

    @classmethod
    def cases(cls):
        yield Case(cls(filters=2, kernel=3), [(5, 2)])
        yield Case(cls(filters=3, kernel=4, padding="same", stride=2), [(7, 2)])
        yield Case(cls(filters=2, kernel=3, padding=(2,), dilation=2, bias=False), [(4, 3)])
        yield Case(cls(filters=4, kernel=2, groups=2), [(4, 6)])
        yield Case(cls(filters=4, kernel=3, groups=2, padding="same"), [(4, 2)])
        yield Case(cls(filters=3, kernel=3, groups=3, stride=2, padding=(1,)), [(6, 3)])
        yield Case(cls(filters=1, kernel=1), [(1, 1)], batch=1)
