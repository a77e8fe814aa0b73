"""adamax: Adam with the largest gradient of late in place of the second moment.

m ← β₁ m + (1 − β₁) g;   u ← max(β₂ (u + ε), |g| + ε) − ε;   d = m̂ / (u + ε)   with m̂ = m / (1 − β₁ᵗ)

β₁, β₂: beta1, beta2, ε: epsilon, t: step from 1. Source: Kingma & Ba, "Adam: a method for stochastic
optimization", ICLR 2015, algorithm 2, with PyTorch's ε; u is kept without it, so that zeros stay zero.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.attributes import number
from bpcore.optimizers import Optimizer


@dataclass(frozen=True)
class Adamax(Optimizer):
    learning_rate: float = number(0.002, minimum=0)
    beta1: float = number(0.9, minimum=0, below=1)
    beta2: float = number(0.999, minimum=0, below=1)
    epsilon: float = number(1e-8, above=0)

    @property
    def state(self):
        return ("m", "u")

    def constants(self, step):
        return self.beta1, 1 - self.beta1, self.beta2, (1 - self.beta2) * self.epsilon, self.epsilon, 1 - self.beta1**step

    @staticmethod
    def direction(g, p, state, constants):
        m, u = state
        beta1, rest1, beta2, less, epsilon, correction = constants
        m = beta1 * m + rest1 * g
        u = np.maximum(beta2 * u - less, np.abs(g))
        return m / (u + epsilon) / correction, (m, u)

    @classmethod
    def cases(cls):
        yield cls(learning_rate=0.1)
        yield cls(learning_rate=0.05, beta1=0.5, beta2=0.9, epsilon=1e-4)
