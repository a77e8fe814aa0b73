"""positional_embedding: y = x + W, with a learned vector for each position.

x, y: (time, features), W: (time, features). A model is built for one length; pad shorter sequences.
Source: Gehring et al., "Convolutional sequence to sequence learning", ICML 2017, section 3.1.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bpcore.initializers import Initializer
from bpcore.initializers.xavier_uniform import XavierUniform
from bpcore.layers import Case, Layer, Parameter, initializer
from bpcore.shapes import require_axes


@dataclass(frozen=True)
class PositionalEmbedding(Layer):
    keeps_output: ClassVar[bool] = False
    over_inputs: ClassVar[int] = 1
    over_gradient: ClassVar[int] = 1
    weight_initializer: Initializer = initializer(XavierUniform())

    def output_shape(self, x):
        require_axes(x, "time", "features")
        return x

    def parameters(self, x):
        return {"weight": Parameter(x, self.weight_initializer, fan_in=1, fan_out=x[1], by_rows=True)}  # fans as in embedding

    def forward(self, w):
        np.add(w.x, w.p["weight"], out=w.y)

    def backward(self, w):
        np.sum(w.dy, axis=0, out=w.g["weight"])
        if w.dx is not None:
            w.dx[...] = w.dy

    def onnx(self, g, inputs, p, shapes):
        return g.op("Add", inputs[0], g.constant(p["weight"]))

    @classmethod
    def cases(cls):
        yield Case(cls(), [(4, 3)])
        yield Case(cls(), [(1, 1)], batch=1)
