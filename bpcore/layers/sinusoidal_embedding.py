"""sinusoidal_embedding: y = x + P, with fixed waves that tell positions apart.

P[t, 2i] = sin(t / base^(2i / features)), P[t, 2i + 1] = cos(t / base^(2i / features))

x, y: (time, features); with an odd number of features the last cosine is left out. No parameters.
Source: Vaswani et al., "Attention is all you need", NeurIPS 2017, section 3.5.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.attributes import number
from bpcore.layers import Case, Layer
from bpcore.numerics.positions import waves
from bpcore.shapes import require_axes


@dataclass(frozen=True)
class SinusoidalEmbedding(Layer):
    base: float = number(10000.0, above=0)

    def output_shape(self, x):
        require_axes(x, "time", "features")
        return x

    def forward(self, w):
        sines, cosines = waves(*w.x.shape[1:], self.base, w.y.dtype)
        np.add(w.x[..., 0::2], sines, out=w.y[..., 0::2])
        np.add(w.x[..., 1::2], cosines[:, :w.x.shape[2] // 2], out=w.y[..., 1::2])

    def backward(self, w):
        if w.dx is not None:
            w.dx[...] = w.dy

    def onnx(self, g, inputs, p, shapes):
        tables = np.stack(waves(*shapes[0], self.base, np.float64), axis=-1)
        waved = tables.reshape(shapes[0][0], -1)[:, :shapes[0][1]]
        return g.op("Add", inputs[0], g.op("CastLike", g.constant(waved), inputs[0]))

    @classmethod
    def cases(cls):
        yield Case(cls(), [(5, 4)])
        yield Case(cls(base=20.0), [(3, 5)])
        yield Case(cls(), [(1, 1)], batch=1)
