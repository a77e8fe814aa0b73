"""adam: adaptive moment estimation.

m ← β₁ m + (1 − β₁) g;   v ← β₂ v + (1 − β₂) g²;   d = m̂ / (√v̂ + ε)
with m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − β₂ᵗ)

β₁, β₂: beta1, beta2, ε: epsilon, t: step from 1. Source: Kingma & Ba, "Adam: a method for stochastic
optimization", ICLR 2015, algorithm 1.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.attributes import number
from bpcore.numerics.moments import corrections
from bpcore.optimizers import Optimizer


@dataclass(frozen=True)
class Adam(Optimizer):
    learning_rate: float = number(0.001, minimum=0)
    beta1: float = number(0.9, minimum=0, below=1)
    beta2: float = number(0.999, minimum=0, below=1)
    epsilon: float = number(1e-8, above=0)

    @property
    def state(self):
        return ("m", "v")

    def constants(self, step):
        return self.beta1, 1 - self.beta1, self.beta2, 1 - self.beta2, *corrections(self.beta1, self.beta2, self.epsilon, step)

    @staticmethod
    def direction(g, p, state, constants):
        m, v = state
        beta1, rest1, beta2, rest2, correction, epsilon = constants
        m = beta1 * m + rest1 * g
        v = beta2 * v + rest2 * g * g
        return m / (np.sqrt(v) * correction + epsilon), (m, v)

    @classmethod
    def cases(cls):
        yield cls(learning_rate=0.1)
        yield cls(learning_rate=0.05, beta1=0.5, beta2=0.9, epsilon=1e-4)
