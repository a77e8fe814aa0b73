"""adadelta: steps in the parameters' own unit: the size of late steps over that of late gradients.

s ← ρ s + (1 − ρ) g²;   d = √(u + ε) / √(s + ε) · g;   u ← ρ u + (1 − ρ) d²

ρ: rho, ε: epsilon. Source: Zeiler, "ADADELTA: an adaptive learning rate method", arXiv:1212.5701 (2012),
algorithm 1, where the learning rate is 1.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.attributes import number
from bpcore.optimizers import Optimizer


@dataclass(frozen=True)
class Adadelta(Optimizer):
    learning_rate: float = number(1.0, minimum=0)
    rho: float = number(0.9, minimum=0, below=1)
    epsilon: float = number(1e-6, above=0)

    @property
    def state(self):
        return ("squares", "steps")

    def constants(self, step):
        return self.rho, 1 - self.rho, self.epsilon

    @staticmethod
    def direction(g, p, state, constants):
        s, u = state
        old, new, epsilon = constants
        s = old * s + new * g * g
        d = np.sqrt(u + epsilon) / np.sqrt(s + epsilon) * g
        return d, (s, old * u + new * d * d)

    @classmethod
    def cases(cls):
        yield cls(epsilon=1e-3)
        yield cls(learning_rate=0.5, rho=0.8, epsilon=1e-4)
