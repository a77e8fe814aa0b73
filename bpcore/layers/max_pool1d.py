"""max_pool1d: the largest value of each window, channels-last.

y[i, c] = max_u x[i·s + u, c]

x: (length, channels), y: (out length, channels). `stride` defaults to `size`. Padding as in max_pool2d: what
lies outside is never the largest. The gradient goes to the first largest value.
"""

from dataclasses import dataclass
from typing import ClassVar

from bpcore.attributes import integer, padding
from bpcore.layers import Case, Listed
from bpcore.numerics.pooling import grid, largest, largest_back
from bpcore.numerics.windows import Grid
from bpcore.numerics.windows_onnx import over_windows
from bpcore.shapes import Shape, require_axes


@dataclass(frozen=True)
class MaxPool1d(Listed):
    keeps_output: ClassVar[bool] = False

    size: int = integer(2, minimum=1)
    stride: int | None = integer(None, minimum=1)
    padding: str | tuple[int] = padding(axes=1)

    def output_shape(self, x):
        require_axes(x, "length", "channels")
        return (*self._grid(x).counts, x[1])

    def ahead(self, w):
        yield largest(w, self._grid(w.x.shape[1:]))

    def back(self, w):
        if w.dx is not None:
            yield from largest_back(w, self._grid(w.x.shape[1:]))

    def _grid(self, x: Shape) -> Grid:
        return grid(x[:1], (self.size,), (self.stride,) if self.stride else None, self.padding)

    def onnx(self, g, inputs, p, shapes):
        return over_windows(g, "MaxPool", inputs[0], self._grid(shapes[0]))

    @classmethod
    def cases(cls):
        yield Case(cls(), [(6, 2)])
        yield Case(cls(size=3, stride=1), [(5, 1)])
        yield Case(cls(size=3, stride=2, padding="same"), [(4, 2)])
        yield Case(cls(size=3, stride=2, padding=(1,)), [(1, 3)])
        yield Case(cls(size=1), [(1, 1)], batch=1)
