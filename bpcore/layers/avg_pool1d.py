"""avg_pool1d: the average of each window, channels-last.

y[i, c] = Σ_u x[i·s + u, c] / places

x: (length, channels), y: (out length, channels). `stride` defaults to `size`; padding and `count_include_pad`
are as in avg_pool2d.
"""

from dataclasses import dataclass
from typing import ClassVar

from bpcore.attributes import flag, integer, padding
from bpcore.layers import Case, Listed
from bpcore.numerics.pooling import average, average_back, grid
from bpcore.numerics.windows import Grid
from bpcore.numerics.windows_onnx import over_windows
from bpcore.shapes import Shape, require_axes


@dataclass(frozen=True)
class AvgPool1d(Listed):
    keeps_output: ClassVar[bool] = False
    size: int = integer(2, minimum=1)
    stride: int | None = integer(None, minimum=1)
    padding: str | tuple[int] = padding(axes=1)
    count_include_pad: bool = flag(False)

    def output_shape(self, x):
        require_axes(x, "length", "channels")
        return (*self._grid(x).counts, x[1])

    def ahead(self, w):
        yield average(w, self._grid(w.x.shape[1:]), self.count_include_pad)

    def back(self, w):
        if w.dx is not None:
            yield from average_back(w, self._grid(w.x.shape[1:]), self.count_include_pad)

    def _grid(self, x: Shape) -> Grid:
        return grid(x[:1], (self.size,), (self.stride,) if self.stride else None, self.padding)

    def onnx(self, g, inputs, p, shapes):
        return over_windows(g, "AveragePool", inputs[0], self._grid(shapes[0]), count_include_pad=int(self.count_include_pad))

    @classmethod
    def cases(cls):
        yield Case(cls(), [(6, 2)])
        yield Case(cls(size=3, stride=1), [(5, 1)])
        yield Case(cls(size=3, stride=2, padding="same"), [(4, 2)])
        yield Case(cls(size=3, stride=2, padding=(1,), count_include_pad=True), [(1, 3)])
        yield Case(cls(size=1), [(1, 1)], batch=1)
