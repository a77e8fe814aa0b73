"""adagrad: a learning rate for each number, that falls with all its gradients so far.

s ← s + g²;   d = g / (√(s + s₀) + ε)

s₀: initial_accumulator, ε: epsilon. Source: Duchi, Hazan & Singer, "Adaptive subgradient methods for
online learning and stochastic optimization", JMLR 12 (2011), figure 1, diagonal form.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.attributes import number
from bpcore.optimizers import Optimizer


@dataclass(frozen=True)
class Adagrad(Optimizer):
    learning_rate: float = number(0.01, minimum=0)
    epsilon: float = number(1e-10, above=0)
    initial_accumulator: float = number(0.0, minimum=0)

    @property
    def state(self):
        return ("squares",)

    def direction(self, step, gradient, p, state, new_state, out):
        squares = new_state["squares"]
        np.multiply(gradient, gradient, out=squares)
        squares += state["squares"]
        np.add(squares, self.initial_accumulator, out=out)
        np.sqrt(out, out=out)
        out += self.epsilon
        np.divide(gradient, out, out=out)

    @classmethod
    def cases(cls):
        yield cls(learning_rate=0.5)
        yield cls(learning_rate=0.2, epsilon=1e-4, initial_accumulator=0.1)
