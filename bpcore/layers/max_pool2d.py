"""max_pool2d: the largest value of each window, channels-last.

y[i, j, c] = max_{u,v} x[i·s + u, j·s + v, c]

x: (height, width, channels), y: (out height, out width, channels). Whole windows only; `stride` defaults
to `size`. The gradient goes to the first largest value, in row-major order.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bpcore.attributes import pair
from bpcore.layers import Case, Layer
from bpcore.shapes import require_axes, windows


@dataclass(frozen=True)
class MaxPool2d(Layer):
    size: tuple[int, int] = pair((2, 2))
    stride: tuple[int, int] | None = pair(None)

    def output_shape(self, x):
        require_axes(x, "height", "width", "channels")
        down, right = self.stride or self.size
        return (windows(x[0], self.size[0], down, "height"), windows(x[1], self.size[1], right, "width"), x[2])

    def forward(self, w):
        w.y.fill(-np.inf)
        for x in self._places(w.x, w.y.shape):
            np.maximum(w.y, x, out=w.y)  # hands a NaN on, so that it is seen where it appears

    def backward(self, w):
        if w.dx is None:
            return
        w.dx.fill(0)
        free = w.scratch("free", w.y.shape, np.bool_)
        free.fill(True)
        for x, dx in zip(self._places(w.x, w.y.shape), self._places(w.dx, w.y.shape)):
            hit = (x == w.y) & free
            dx += w.dy * hit
            free ^= hit

    def _places(self, array: np.ndarray, out: tuple[int, ...]) -> Iterator[np.ndarray]:
        """For each place in a window, in row-major order: the view of that place in every window."""
        down, right = self.stride or self.size
        for u in range(self.size[0]):
            for v in range(self.size[1]):
                yield array[:, u:u + (out[1] - 1) * down + 1:down, v:v + (out[2] - 1) * right + 1:right]

    @classmethod
    def cases(cls):
        yield Case(cls(), [(4, 6, 2)])
        yield Case(cls(size=(3, 2), stride=(1, 2)), [(5, 5, 1)])
        yield Case(cls(size=(2, 2), stride=(1, 1)), [(3, 3, 2)])
        yield Case(cls(size=(1, 1)), [(1, 1, 1)], batch=1)
