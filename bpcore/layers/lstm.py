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

import numpy as np

from bpcore.attributes import number
from bpcore.initializers import Initializer
from bpcore.layers import Case, Parameter
from bpcore.recurrence import Recurrent, sigmoid
from bpcore.recurrence_onnx import recurrent


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
        gates, (h, c), u = k.gates[t], (now[t] for now in k.now), self.units
        gates += np.matmul(k.before[0][t], k.p["weight_hh"], out=k.product)
        sigmoid(gates[:, :2 * u])
        np.tanh(gates[:, 2 * u:3 * u], out=gates[:, 2 * u:3 * u])
        sigmoid(gates[:, 3 * u:])
        i, f, g, o = self._split(gates)
        np.multiply(f, k.before[1][t], out=c)
        c += np.multiply(i, g, out=h)
        np.multiply(o, np.tanh(c, out=k.kept[t]), out=h)

    def step_back(self, k, t):
        gates, tanh_c, (dh, dc) = k.gates[t], k.kept[t], k.gradients
        (i, f, g, o), (di, df, dg, do) = self._split(gates), self._split(k.product)
        np.multiply(gates, 1 - gates, out=k.product)  # how each gate answers to its sum …
        np.subtract(1, g * g, out=dg)
        dc += dh * o * (1 - tanh_c * tanh_c)
        for d, other in ((di, g * dc), (df, k.before[1][t] * dc), (dg, i * dc), (do, tanh_c * dh)):
            d *= other  # … times how the loss answers to the gate
        dc *= f
        gates[...] = k.product
        np.matmul(gates, k.p["weight_hh"].T, out=dh)

    def _split(self, gates: np.ndarray) -> tuple[np.ndarray, ...]:
        u = self.units
        return gates[:, :u], gates[:, u:2 * u], gates[:, 2 * u:3 * u], gates[:, 3 * u:]

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
