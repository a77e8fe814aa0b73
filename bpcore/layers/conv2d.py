"""conv2d: two-dimensional cross-correlation, channels-last.

y[i, j, f] = b[f] + Σ_{u,v,c} x[i·s + u·d, j·s + v·d, c] · W[u, v, c, f]

x: (height, width, in), W: (kernel height, kernel width, in / groups, filters), b: (filters,),
y: (out height, out width, filters). `padding: valid` takes whole windows only; `same` pads with zeros,
the odd one behind, so that out = ⌈in / stride⌉; numbers are zeros on both sides of height and width.
`groups` divide channels and filters, and a filter sees its own group's channels; as many groups as
channels make it depthwise. Sources: Dumoulin & Visin, "A guide to convolution arithmetic for deep
learning", 2016; Xie et al., "Aggregated residual transformations", CVPR 2017, section 3 (groups).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from bpcore.attributes import flag, integer, padding, pair
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
class Conv2d(Layer):
    torch_axes: ClassVar[Mapping[str, tuple[int, ...]]] = {"weight": (2, 3, 1, 0)}
    keeps_output: ClassVar[bool] = False
    filters: int = integer(minimum=1)
    kernel: tuple[int, int] = pair()
    stride: tuple[int, int] = pair((1, 1))
    padding: str | tuple[int, int] = padding()
    dilation: tuple[int, int] = pair((1, 1))
    groups: int = integer(1, minimum=1)
    bias: bool = flag(True)
    weight_initializer: Initializer = initializer(HeUniform())
    bias_initializer: Initializer = initializer(Zeros())

    def output_shape(self, x):
        require_axes(x, "height", "width", "channels", hint="give images a channel axis, such as [28, 28, 1]")
        check_groups(self.groups, x[2], self.filters)
        return (*self._grid(x).counts, self.filters)

    def parameters(self, x):
        area, channels = self.kernel[0] * self.kernel[1], x[2] // self.groups
        weight = Parameter((*self.kernel, channels, self.filters), self.weight_initializer,
                           fan_in=area * channels, fan_out=area * self.filters // self.groups)
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
        return grid(x[:2], self.kernel, self.stride, self.padding, self.dilation, hint)

    def onnx(self, g, inputs, p, shapes):
        constants = [g.constant(p["weight"].transpose(3, 2, 0, 1)), *([g.constant(p["bias"])] if self.bias else [])]
        return over_windows(g, "Conv", inputs[0], self._grid(shapes[0]), *constants, group=self.groups)

    @classmethod
    def cases(cls):
        yield Case(cls(filters=2, kernel=(3, 3)), [(5, 4, 2)])
        yield Case(cls(filters=3, kernel=(3, 3), padding="same"), [(4, 5, 2)])
        yield Case(cls(filters=2, kernel=(2, 3), stride=(2, 1), padding="same", bias=False), [(5, 5, 1)])
        yield Case(cls(filters=2, kernel=(3, 2), stride=(2, 3)), [(6, 6, 2)])
        yield Case(cls(filters=2, kernel=(2, 2), padding=(2, 1), dilation=(1, 2)), [(1, 3, 2)])
        yield Case(cls(filters=4, kernel=(3, 2), dilation=(2, 1), groups=2, padding="same"), [(5, 4, 6)])
        yield Case(cls(filters=4, kernel=(2, 2), groups=2, stride=(2, 2)), [(4, 5, 2)])
        yield Case(cls(filters=3, kernel=(3, 3), groups=3, padding=(1, 1), stride=(2, 1)), [(4, 4, 3)])
        yield Case(cls(filters=1, kernel=(1, 1), stride=(2, 2), padding="same"), [(3, 3, 1)])
        yield Case(cls(filters=1, kernel=(1, 1)), [(1, 1, 1)], batch=1)
