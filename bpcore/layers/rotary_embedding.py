"""rotary_embedding: every pair of features is turned by an angle that grows with the position.

(y[t, 2i], y[t, 2i + 1]) = R(t / base^(2i / width)) (x[t, 2i], x[t, 2i + 1]), with
R(a) = ((cos a, −sin a), (sin a, cos a))

so that the inner product of two turned vectors depends on the distance of their positions alone.
x, y: (time, features), as `heads` groups of width = features / heads, each turned alike. Pairs are
neighbours, as in the paper; models that pair i with i + width / 2 hold the same numbers in another order.
Source: Su et al., "RoFormer: enhanced transformer with rotary position embedding", 2021, section 3.2.2.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.attributes import integer, number
from bpcore.errors import ShapeError, expected
from bpcore.layers import Case, Layer
from bpcore.numerics.positions import rotate, rotated
from bpcore.shapes import describe, require_axes


@dataclass(frozen=True)
class RotaryEmbedding(Layer):
    heads: int = integer(1, minimum=1)
    base: float = number(10000.0, above=0)

    def output_shape(self, x):
        require_axes(x, "time", "features")
        if x[1] % (2 * self.heads):
            raise ShapeError(expected(f"(time, features) with features a multiple of {2 * self.heads}, a pair a head", describe(x)))
        return x

    def forward(self, w):
        rotate(self._by_head(w.x), self._by_head(w.y), self.base)

    def backward(self, w):
        if w.dx is not None:
            rotate(self._by_head(w.dy), self._by_head(w.dx), self.base, back=True)

    def onnx(self, g, inputs, p, shapes):
        length, features = shapes[0]
        return rotated(g, inputs[0], length, features // self.heads, self.heads, self.base)

    def _by_head(self, array: np.ndarray) -> np.ndarray:
        return array.reshape(*array.shape[:2], self.heads, -1)

    @classmethod
    def cases(cls):
        yield Case(cls(), [(5, 4)])
        yield Case(cls(heads=3, base=7.0), [(4, 6)])
        yield Case(cls(), [(1, 2)], batch=1)
