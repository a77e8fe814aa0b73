"""global_max_pool1d: the largest value of each channel, channels-last.

y[c] = max_i x[i, c]

x: (length, channels), y: (channels,). The gradient goes to the first largest value.
"""

from dataclasses import dataclass

from bpcore.layers import Case, Layer
from bpcore.numerics.pooling import largest_of_all, largest_of_all_back
from bpcore.shapes import require_axes


@dataclass(frozen=True)
class GlobalMaxPool1d(Layer):
    def output_shape(self, x):
        require_axes(x, "length", "channels")
        return (x[1],)

    def forward(self, w):
        largest_of_all(w, w.x, w.y)

    def backward(self, w):
        if w.dx is not None:
            largest_of_all_back(w, w.dy, w.dx)

    def onnx(self, g, inputs, p, shapes):
        return g.op("ReduceMax", inputs[0], g.constant([1]), keepdims=0)

    @classmethod
    def cases(cls):
        yield Case(cls(), [(5, 3)])
        yield Case(cls(), [(1, 1)], batch=1)
