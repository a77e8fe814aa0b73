"""lstm: long short-term memory.

i_t = σ(x_t W_ii + b_ii + h_{t−1} W_hi + b_hi)     f_t, o_t alike
g_t = tanh(x_t W_ig + b_ig + h_{t−1} W_hg + b_hg)
c_t = f_t ⊙ c_{t−1} + i_t ⊙ g_t, h_t = o_t ⊙ tanh(c_t), c_{−1} = h_{−1} = 0

Inputs, outputs, mask, levels and truncation as in rnn. Parameters of level l: weight_ih_l
(features, 4 units) = (W_ii, W_if, W_ig, W_io), weight_hh_l (units, 4 units), bias_ih_l and bias_hh_l
(4 units,), and the same with _reverse: PyTorch's by name and in its order of gates, the weights
transposed. b_if starts at `forget_bias`, so that a fresh cell remembers. No state is carried from batch to
batch. Sources: Hochreiter & Schmidhuber, "Long short-term memory", Neural Computation 9 (1997); Gers et
al., "Learning to forget", Neural Computation 12 (2000), for f; Jozefowicz et al., ICML 2015, for its bias.
"""

from dataclasses import dataclass
from typing import ClassVar

from bpcore import kernels
from bpcore.attributes import number
from bpcore.initializers import Initializer
from bpcore.layers import Case, Parameter
from bpcore.numerics.recurrence import Recurrent
from bpcore.numerics.recurrence_onnx import recurrent


@dataclass(frozen=True)
class Lstm(Recurrent):
    gates: ClassVar[int] = 4
    states: ClassVar[int] = 2
    keeps: ClassVar[bool] = True

    forget_bias: float = number(1.0)

    def level_parameters(self, features):
        found = super().level_parameters(features)
        if self.bias:
            found["bias_ih"] = Parameter((4 * self.units,), _GateBias(self.bias_initializer, self.forget_bias))
        return found

    def step(self, k, t):
        (h, c), (_, before) = k.now, k.before
        kernels.cells.lstm(k.gates[t], before[t], c[t], k.kept[t], h[t])

    def step_back(self, k, t):
        dh, dc = k.gradients
        kernels.cells.lstm_back(k.gates[t], k.before[1][t], k.kept[t], dh, dc)

    def onnx(self, g, inputs, p, shapes):
        return recurrent(g, "LSTM", inputs, self.by_level(p), [0, 3, 1, 2], shapes[0][0], self.return_sequences)

    @classmethod
    def cases(cls):
        yield Case(cls(units=3), [(4, 2)])
        yield Case(cls(units=2, bias=False, forget_bias=0.0, return_sequences=True), [(4, 2), (4,)], integers={1: 2})
        yield Case(cls(units=2, layers=2, bidirectional=True, dropout=0.3, return_sequences=True), [(4, 3)])
        yield Case(cls(units=2, layers=2, bidirectional=True, truncation=5), [(5, 2), (5,)], integers={1: 2})
        yield Case(cls(units=1), [(1, 1)], batch=1)


@dataclass(frozen=True)
class _GateBias(Initializer):
    """Another initializer's values, with the forget gate's quarter replaced."""

    others: Initializer
    forget: float

    def fill(self, out, fan_in, fan_out, rng):
        self.others.fill(out, fan_in, fan_out, rng)
        out[len(out) // 4:len(out) // 2] = self.forget
