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

    def constants(self, step):
        return self.initial_accumulator, self.epsilon

    @staticmethod
    def direction(g, p, state, constants):
        s, (start, epsilon) = state[0] + g * g, constants
        return g / (np.sqrt(s + start) + epsilon), (s,)

    @classmethod
    def cases(cls):
        yield cls(learning_rate=0.5)
        yield cls(learning_rate=0.2, epsilon=1e-4, initial_accumulator=0.1)
