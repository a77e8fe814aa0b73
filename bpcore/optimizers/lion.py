"""lion: the sign of a momentum, so that every number moves equally far.

d = sign(β₁ m + (1 − β₁) g) + λ p;   m ← β₂ m + (1 − β₂) g

β₁, β₂: beta1, beta2, λ: weight_decay. Its learning rate is usually 3 to 10 times smaller than Adam's.
Source: Chen et al., "Symbolic discovery of optimization algorithms", NeurIPS 2023, algorithm 2.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.attributes import number
from bpcore.optimizers import Optimizer


@dataclass(frozen=True)
class Lion(Optimizer):
    learning_rate: float = number(0.0001, minimum=0)
    beta1: float = number(0.9, minimum=0, below=1)
    beta2: float = number(0.99, minimum=0, below=1)
    weight_decay: float = number(0.0, minimum=0)

    @property
    def state(self):
        return ("m",)

    @property
    def decay(self):
        return self.weight_decay

    def constants(self, step):
        return self.beta1, 1 - self.beta1, self.beta2, 1 - self.beta2

    @staticmethod
    def direction(g, p, state, constants):
        (m,), (beta1, rest1, beta2, rest2) = state, constants
        return np.sign(beta1 * m + rest1 * g), (beta2 * m + rest2 * g,)

    @classmethod
    def cases(cls):
        yield cls(learning_rate=0.005)
        yield cls(learning_rate=0.004, beta1=0.5, beta2=0.9, weight_decay=0.1)
