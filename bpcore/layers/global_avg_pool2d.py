"""global_avg_pool2d: the average of each channel, channels-last.

y[c] = Σ_{i,j} x[i, j, c] / (height · width)

x: (height, width, channels), y: (channels,). Source: Lin et al., "Network in network", ICLR 2014,
section 3.2.
"""

from dataclasses import dataclass
from typing import ClassVar

from bpcore.layers import Case, Layer
from bpcore.numerics.pooling import average_of_all, average_of_all_back
from bpcore.shapes import require_axes


@dataclass(frozen=True)
class GlobalAvgPool2d(Layer):
    keeps_output: ClassVar[bool] = False

    def output_shape(self, x):
        require_axes(x, "height", "width", "channels")
        return (x[2],)

    def forward(self, w):
        average_of_all(w.x, w.y)

    def backward(self, w):
        if w.dx is not None:
            average_of_all_back(w.dy, w.dx)

    def onnx(self, g, inputs, p, shapes):
        return g.op("ReduceMean", inputs[0], g.constant([1, 2]), keepdims=0)

    @classmethod
    def cases(cls):
        yield Case(cls(), [(3, 4, 2)])
        yield Case(cls(), [(1, 1, 1)], batch=1)
