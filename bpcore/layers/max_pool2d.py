"""max_pool2d: the largest value of each window, channels-last.

y[i, j, c] = max_{u,v} x[i·s + u, j·s + v, c]

x: (height, width, channels), y: (out height, out width, channels). `stride` defaults to `size`. `padding:
valid` takes whole windows only; `same` also those that reach over the edge, so that out = ⌈in / stride⌉;
numbers are how far on both sides. What lies outside is never the largest. The gradient goes to the first
largest value, in row-major order.
"""

from dataclasses import dataclass
from typing import ClassVar

from bpcore.attributes import padding, pair
from bpcore.layers import Case, Listed
from bpcore.numerics.pooling import grid, largest, largest_back
from bpcore.numerics.windows import Grid
from bpcore.numerics.windows_onnx import over_windows
from bpcore.shapes import Shape, require_axes


@dataclass(frozen=True)
class MaxPool2d(Listed):
    keeps_output: ClassVar[bool] = False

    size: tuple[int, int] = pair((2, 2))
    stride: tuple[int, int] | None = pair(None)
    padding: str | tuple[int, int] = padding()

    def output_shape(self, x):
        require_axes(x, "height", "width", "channels")
        return (*self._grid(x).counts, x[2])

    def ahead(self, w):
        yield largest(w, self._grid(w.x.shape[1:]))

    def back(self, w):
        if w.dx is not None:
            yield from largest_back(w, self._grid(w.x.shape[1:]))

    def _grid(self, x: Shape) -> Grid:
        return grid(x[:2], self.size, self.stride, self.padding)

    def onnx(self, g, inputs, p, shapes):
        return over_windows(g, "MaxPool", inputs[0], self._grid(shapes[0]))

    @classmethod
    def cases(cls):
        yield Case(cls(), [(4, 6, 2)])
        yield Case(cls(size=(3, 2), stride=(1, 2)), [(5, 5, 1)])
        yield Case(cls(size=(2, 2), stride=(1, 1)), [(3, 3, 2)])
        yield Case(cls(size=(3, 3), stride=(2, 2), padding="same"), [(4, 5, 2)])
        yield Case(cls(size=(3, 2), stride=(2, 1), padding=(1, 0)), [(2, 3, 2)])
        yield Case(cls(size=(1, 1)), [(1, 1, 1)], batch=1)
