"""avg_pool2d: the average of each window, channels-last.

y[i, j, c] = Σ_{u,v} x[i·s + u, j·s + v, c] / places

x: (height, width, channels), y: (out height, out width, channels). `stride` defaults to `size`, padding is
as in max_pool2d. Places outside count as zeros with `count_include_pad`, as in PyTorch; without it, as
in Keras and ONNX, the average is of the places inside alone.
"""

from dataclasses import dataclass
from typing import ClassVar

from bpcore.attributes import flag, padding, pair
from bpcore.layers import Case, Listed
from bpcore.numerics.pooling import average, average_back, grid
from bpcore.numerics.windows import Grid
from bpcore.numerics.windows_onnx import over_windows
from bpcore.shapes import Shape, require_axes


@dataclass(frozen=True)
class AvgPool2d(Listed):
    keeps_output: ClassVar[bool] = False
    size: tuple[int, int] = pair((2, 2))
    stride: tuple[int, int] | None = pair(None)
    padding: str | tuple[int, int] = padding()
    count_include_pad: bool = flag(False)

    def output_shape(self, x):
        require_axes(x, "height", "width", "channels")
        return (*self._grid(x).counts, x[2])

    def ahead(self, w):
        yield average(w, self._grid(w.x.shape[1:]), self.count_include_pad)

    def back(self, w):
        if w.dx is not None:
            yield from average_back(w, self._grid(w.x.shape[1:]), self.count_include_pad)

    def _grid(self, x: Shape) -> Grid:
        return grid(x[:2], self.size, self.stride, self.padding)

    def onnx(self, g, inputs, p, shapes):
        return over_windows(g, "AveragePool", inputs[0], self._grid(shapes[0]), count_include_pad=int(self.count_include_pad))

    @classmethod
    def cases(cls):
        yield Case(cls(), [(4, 6, 2)])
        yield Case(cls(size=(3, 2), stride=(1, 2)), [(5, 5, 1)])
        yield Case(cls(size=(3, 3), stride=(2, 2), padding="same"), [(4, 5, 2)])
        yield Case(cls(size=(3, 2), stride=(2, 1), padding=(1, 0), count_include_pad=True), [(2, 3, 2)])
        yield Case(cls(size=(1, 1)), [(1, 1, 1)], batch=1)
