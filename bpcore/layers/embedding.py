"""embedding: y = W[x], one row of a table for each index.

x: integers from 0 to vocabulary − 1, of any shape (…), also of none; W: (vocabulary, units);
y: (…, units). A row's gradient is the sum over the places that read it. The row `padding_index` stands
for no symbol: it reads as zeros and is never trained. W is PyTorch's `weight` as it is.

sparse: a row that no sample of a step reads keeps its value and its optimizer's state: no momentum, no decay,
no second moment that fades, as with PyTorch's SparseAdam. It is what rare words want, and less work.
Source: Bengio et al., "A neural probabilistic language model", JMLR 3 (2003), section 2.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bpcore import kernels, memory
from bpcore.attributes import flag, integer
from bpcore.errors import ShapeError, expected
from bpcore.initializers import Initializer
from bpcore.initializers.xavier_uniform import XavierUniform
from bpcore.layers import Case, Layer, Parameter, initializer


@dataclass(frozen=True)
class Embedding(Layer):
    keeps_output: ClassVar[bool] = False
    integer_inputs = (0,)

    vocabulary: int = integer(minimum=1)
    units: int = integer(minimum=1)
    padding_index: int | None = integer(None)
    sparse: bool = flag(False)
    weight_initializer: Initializer = initializer(XavierUniform())

    def output_shape(self, x):
        if self.padding_index is not None and self.padding_index >= self.vocabulary:
            raise ShapeError(expected(f"a padding_index below the vocabulary of {self.vocabulary}", self.padding_index))
        return (*x, self.units)

    def parameters(self, x):
        # Of all the table's rows just one feeds an output.
        return {"weight": Parameter((self.vocabulary, self.units), self.weight_initializer, fan_in=1, fan_out=self.units,
                                    sparse=self.sparse, by_rows=True)}

    def integers_below(self, i):
        return self.vocabulary

    def forward(self, w):
        np.take(w.p["weight"], w.x, axis=0, out=w.y)
        if self.padding_index is not None:
            w.y[w.x == self.padding_index] = 0

    def backward(self, w):
        w.g["weight"].fill(0)
        indices = np.ravel(w.x).astype(np.int64, copy=False)
        kernels.lookup.add_rows(w.g["weight"], indices, memory.rows(w.dy))
        if self.padding_index is not None:
            w.g["weight"][self.padding_index] = 0

    def onnx(self, g, inputs, p, shapes):
        weight = p["weight"].copy()
        if self.padding_index is not None:
            weight[self.padding_index] = 0
        return g.op("Gather", g.constant(weight), inputs[0], axis=0)

    @classmethod
    def cases(cls):
        yield Case(cls(vocabulary=5, units=3), [(4,)], integers={0: 5})
        yield Case(cls(vocabulary=3, units=2, padding_index=1), [(2, 3)], integers={0: 3})
        yield Case(cls(vocabulary=4, units=1, sparse=True), [()], integers={0: 4})
        yield Case(cls(vocabulary=1, units=1, padding_index=0), [(1,)], batch=1, integers={0: 1})
