"""conv2d: two-dimensional cross-correlation, channels-last.

y[i, j, f] = b[f] + Σ_{u,v,c} x[i·s + u, j·s + v, c] · W[u, v, c, f]

x: (height, width, in), W: (kernel height, kernel width, in, filters), b: (filters,),
y: (out height, out width, filters). `padding: valid` takes whole windows only; `same` pads with zeros,
the odd one behind, so that out = ⌈in / stride⌉. Computed as one matrix product over unrolled windows
(Chellapilla et al., "High performance convolutional neural networks for document processing", 2006).
"""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from bpcore.attributes import choice, flag, integer, pair
from bpcore.initializers import Initializer
from bpcore.initializers.he_uniform import HeUniform
from bpcore.initializers.zeros import Zeros
from bpcore.layers import Case, Layer, Parameter, Workspace, initializer
from bpcore.shapes import require_axes, windows


@dataclass(frozen=True)
class Conv2d(Layer):
    filters: int = integer(minimum=1)
    kernel: tuple[int, int] = pair()
    stride: tuple[int, int] = pair((1, 1))
    padding: str = choice("valid", "same")
    bias: bool = flag(True)
    weight_initializer: Initializer = initializer(HeUniform())
    bias_initializer: Initializer = initializer(Zeros())

    def output_shape(self, x):
        require_axes(x, "height", "width", "channels", hint="give images a channel axis, such as [28, 28, 1]")
        if self.padding == "same":
            return (-(-x[0] // self.stride[0]), -(-x[1] // self.stride[1]), self.filters)
        hint = "use padding: same, or a smaller kernel"
        height = windows(x[0], self.kernel[0], self.stride[0], "height", hint)
        return (height, windows(x[1], self.kernel[1], self.stride[1], "width", hint), self.filters)

    def parameters(self, x):
        area = self.kernel[0] * self.kernel[1]
        weight = Parameter((*self.kernel, x[2], self.filters), self.weight_initializer,
                           fan_in=area * x[2], fan_out=area * self.filters)
        bias = {"bias": Parameter((self.filters,), self.bias_initializer)} if self.bias else {}
        return {"weight": weight, **bias}

    def forward(self, w):
        columns = self._columns(w)
        views = sliding_window_view(self._padded(w, fill=True), self.kernel, axis=(1, 2))
        views = views[:, ::self.stride[0], ::self.stride[1]]
        columns.reshape(*w.y.shape[:3], *self.kernel, w.x.shape[3])[...] = views.transpose(0, 1, 2, 4, 5, 3)
        np.matmul(columns, w.p["weight"].reshape(-1, self.filters), out=w.y.reshape(-1, self.filters))
        if self.bias:
            w.y += w.p["bias"]

    def backward(self, w):
        columns, dy = self._columns(w), w.dy.reshape(-1, self.filters)
        np.matmul(columns.T, dy, out=w.g["weight"].reshape(-1, self.filters))
        if self.bias:
            np.sum(dy, axis=0, out=w.g["bias"])
        if w.dx is not None:
            # The windows are used up: their memory takes the windows' gradient.
            np.matmul(dy, w.p["weight"].reshape(-1, self.filters).T, out=columns)
            self._fold(w, columns.reshape(*w.y.shape[:3], *self.kernel, w.x.shape[3]))

    def _fold(self, w: Workspace, windows: np.ndarray) -> None:
        """dx = every window's gradient, added where the window lay."""
        padded = self._padded(w, fill=False)
        padded.fill(0)
        (rows, cols), (down, right) = w.y.shape[1:3], self.stride
        for u in range(self.kernel[0]):
            for v in range(self.kernel[1]):
                padded[:, u:u + (rows - 1) * down + 1:down, v:v + (cols - 1) * right + 1:right] += windows[:, :, :, u, v]
        top, left = self._margins(w)
        w.dx[...] = padded[:, top:top + w.x.shape[1], left:left + w.x.shape[2]]

    def _columns(self, w: Workspace) -> np.ndarray:
        """(n · out height · out width, kernel height · kernel width · in): one window a row."""
        rows = w.y.shape[0] * w.y.shape[1] * w.y.shape[2]
        return w.scratch("columns", (rows, self.kernel[0] * self.kernel[1] * w.x.shape[3]))

    def _padded(self, w: Workspace, fill: bool) -> np.ndarray:
        """The input with its margin of zeros, large enough for every window to be whole."""
        n, height, width, channels = w.x.shape
        reach = [(out - 1) * step + size for out, step, size in zip(w.y.shape[1:3], self.stride, self.kernel)]
        padded = w.scratch("padded" if fill else "dpadded", (n, max(height, reach[0]), max(width, reach[1]), channels))
        if fill:
            top, left = self._margins(w)
            padded[:, top:top + height, left:left + width] = w.x
        return padded

    def _margins(self, w: Workspace) -> tuple[int, int]:
        """Zeros above and to the left of the input."""
        if self.padding == "valid":
            return 0, 0
        missing = [max(0, (out - 1) * step + size - length) for out, step, size, length
                   in zip(w.y.shape[1:3], self.stride, self.kernel, w.x.shape[1:3])]
        return missing[0] // 2, missing[1] // 2

    @classmethod
    def cases(cls):
        yield Case(cls(filters=2, kernel=(3, 3)), [(5, 4, 2)])
        yield Case(cls(filters=3, kernel=(3, 3), padding="same"), [(4, 5, 2)])
        yield Case(cls(filters=2, kernel=(2, 3), stride=(2, 1), padding="same", bias=False), [(5, 5, 1)])
        yield Case(cls(filters=2, kernel=(3, 2), stride=(2, 3)), [(6, 6, 2)])
        yield Case(cls(filters=1, kernel=(1, 1), stride=(2, 2), padding="same"), [(3, 3, 1)])
        yield Case(cls(filters=1, kernel=(1, 1)), [(1, 1, 1)], batch=1)
