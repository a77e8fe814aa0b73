"""global_max_pool2d: the largest value of each channel, channels-last.

y[c] = max_{i,j} x[i, j, c]

x: (height, width, channels), y: (channels,). The gradient goes to the first largest value, in row-major
order.
"""

from dataclasses import dataclass

from bpcore.layers import Case, Layer
from bpcore.numerics.pooling import largest_of_all, largest_of_all_back
from bpcore.shapes import require_axes


@dataclass(frozen=True)
class GlobalMaxPool2d(Layer):
    def output_shape(self, x):
        require_axes(x, "height", "width", "channels")
        return (x[2],)

    def forward(self, w):
        largest_of_all(w, w.x, w.y)

    def backward(self, w):
        if w.dx is not None:
            largest_of_all_back(w, w.dy, w.dx)

    def onnx(self, g, inputs, p, shapes):
        return g.op("ReduceMax", inputs[0], g.constant([1, 2]), keepdims=0)

    @classmethod
    def cases(cls):
        yield Case(cls(), [(3, 4, 2)])
        yield Case(cls(), [(1, 1, 1)], batch=1)
