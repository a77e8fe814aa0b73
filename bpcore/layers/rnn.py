"""rnn: the simple recurrent layer.

h_t = φ(x_t W_ih + b_ih + h_{t−1} W_hh + b_hh), h_{−1} = 0, φ: tanh or relu

x: (time, features); an optional second input is a mask (time,) of 0 and 1: where it is 0 the state stays
and the output is zero. y: (time, units) with `return_sequences`, else the last valid state (units,);
`bidirectional` puts the states of a second pass, from the end to the start, behind those of the first:
2 · units. `layers` of them read each other, with `dropout` in between. `truncation`: the gradient goes
back over at most so many steps; 0: over all.

Parameters of level l: weight_ih_l (features, units), weight_hh_l (units, units), bias_ih_l and bias_hh_l
(units,), and the same with _reverse: PyTorch's by name, the weights transposed. Two biases where one
would do, since that is what PyTorch trains. No state is carried from batch to batch.
Source: Elman, "Finding structure in time", Cognitive Science 14 (1990).
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bpcore import kernels
from bpcore.attributes import choice
from bpcore.layers import Case
from bpcore.numerics.recurrence import Recurrent
from bpcore.numerics.recurrence_onnx import recurrent


@dataclass(frozen=True)
class Rnn(Recurrent):
    gates: ClassVar[int] = 1

    nonlinearity: str = choice("tanh", "relu")

    def step(self, k, t):
        sums, h = k.gates[t], k.now[0][t]
        kernels.cells.rnn(sums, h) if self.nonlinearity == "tanh" else np.maximum(sums, 0, out=h)

    def step_back(self, k, t):
        h, sums = k.now[0][t], k.gates[t]
        np.subtract(1, h * h, out=sums) if self.nonlinearity == "tanh" else np.greater(h, 0, out=sums)
        sums *= k.gradients[0]

    def onnx(self, g, inputs, p, shapes):
        activations = [self.nonlinearity.capitalize()] * (2 if self.bidirectional else 1)
        return recurrent(g, "RNN", inputs, self.by_level(p), [0], shapes[0][0], self.return_sequences, activations=activations)

    @classmethod
    def cases(cls):
        yield Case(cls(units=3), [(4, 2)])
        yield Case(cls(units=2, nonlinearity="relu", bias=False, return_sequences=True), [(4, 2), (4,)], integers={1: 2})
        yield Case(cls(units=2, layers=2, bidirectional=True, dropout=0.3, return_sequences=True), [(4, 3)])
        yield Case(cls(units=2, layers=2, bidirectional=True, truncation=5), [(5, 2), (5,)], integers={1: 2})
        yield Case(cls(units=1), [(1, 1)], batch=1)
