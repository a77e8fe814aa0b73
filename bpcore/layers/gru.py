"""gru: gated recurrent units, the form that resets after the product.

r_t = σ(x_t W_ir + b_ir + h_{t−1} W_hr + b_hr)
z_t = σ(x_t W_iz + b_iz + h_{t−1} W_hz + b_hz)
n_t = tanh(x_t W_in + b_in + r_t ⊙ (h_{t−1} W_hn + b_hn))
h_t = (1 − z_t) ⊙ n_t + z_t ⊙ h_{t−1}, h_{−1} = 0

Inputs, outputs, mask, levels and truncation as in rnn. Parameters of level l: weight_ih_l
(features, 3 units) = (W_ir, W_iz, W_in), weight_hh_l (units, 3 units) = (W_hr, W_hz, W_hn), bias_ih_l and
bias_hh_l (3 units,), and the same with _reverse: PyTorch's by name and in its order of gates, the weights
transposed. No state is carried from batch to batch.
Source: Cho et al., "Learning phrase representations using RNN encoder–decoder", EMNLP 2014, section 2.3;
the order of reset and product is that of its first version (arXiv 1406.1078v1) and of cuDNN.
"""

from dataclasses import dataclass
from typing import ClassVar

from bpcore import kernels
from bpcore.layers import Case
from bpcore.numerics.recurrence import Recurrent
from bpcore.numerics.recurrence_onnx import recurrent


@dataclass(frozen=True)
class Gru(Recurrent):
    gates: ClassVar[int] = 3
    separate: ClassVar[bool] = True

    def step(self, k, t):
        kernels.cells.gru(k.gates[t], k.recurrent[t], k.before[0][t], k.now[0][t])

    def step_back(self, k, t):
        kernels.cells.gru_back(k.gates[t], k.recurrent[t], k.before[0][t], k.gradients[0])

    def onnx(self, g, inputs, p, shapes):
        return recurrent(g, "GRU", inputs, self.by_level(p), [1, 0, 2], shapes[0][0], self.return_sequences, linear_before_reset=1)

    @classmethod
    def cases(cls):
        yield Case(cls(units=3), [(4, 2)])
        yield Case(cls(units=2, bias=False, return_sequences=True), [(4, 2), (4,)], integers={1: 2})
        yield Case(cls(units=2, layers=2, bidirectional=True, dropout=0.3, return_sequences=True), [(4, 3)])
        yield Case(cls(units=2, layers=2, bidirectional=True, truncation=5), [(5, 2), (5,)], integers={1: 2})
        yield Case(cls(units=1), [(1, 1)], batch=1)
