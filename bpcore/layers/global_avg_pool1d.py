"""global_avg_pool1d: the average of each channel, channels-last.

y[c] = Σ_i x[i, c] / length

x: (length, channels), y: (channels,). Source: Lin et al., "Network in network", ICLR 2014,
section 3.2.
"""

from dataclasses import dataclass
from typing import ClassVar

from bpcore.layers import Case, Layer
from bpcore.numerics.pooling import average_of_all, average_of_all_back
from bpcore.shapes import require_axes


@dataclass(frozen=True)
class GlobalAvgPool1d(Layer):
    keeps_output: ClassVar[bool] = False

    def output_shape(self, x):
        require_axes(x, "length", "channels")
        return (x[1],)

    def forward(self, w):
        average_of_all(w.x, w.y)

    def backward(self, w):
        if w.dx is not None:
            average_of_all_back(w.dy, w.dx)

    def onnx(self, g, inputs, p, shapes):
        return g.op("ReduceMean", inputs[0], g.constant([1]), keepdims=0)

    @classmethod
    def cases(cls):
        yield Case(cls(), [(5, 3)])
        yield Case(cls(), [(1, 1)], batch=1)
