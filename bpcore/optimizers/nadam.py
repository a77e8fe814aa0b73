"""nadam: Adam with Nesterov's momentum.

m ← β₁ m + (1 − β₁) g;   v ← β₂ v + (1 − β₂) g²;   μᵢ = β₁ (1 − ½ · 0.96^(i ψ))
d = ((1 − μₜ) g / (1 − Π μᵢ, i ≤ t) + μₜ₊₁ m / (1 − Π μᵢ, i ≤ t + 1)) / (√(v / (1 − β₂ᵗ)) + ε)

β₁, β₂: beta1, beta2, ε: epsilon, ψ: momentum_decay, t: step from 1. Source: Dozat, "Incorporating Nesterov
momentum into Adam", ICLR 2016 workshop, algorithm 2 and its section on the schedule of μ.
"""

import math
from dataclasses import dataclass

import numpy as np

from bpcore.attributes import number
from bpcore.optimizers import Optimizer


@dataclass(frozen=True)
class NAdam(Optimizer):
    learning_rate: float = number(0.002, minimum=0)
    beta1: float = number(0.9, minimum=0, below=1)
    beta2: float = number(0.999, minimum=0, below=1)
    epsilon: float = number(1e-8, above=0)
    momentum_decay: float = number(0.004, minimum=0)

    @property
    def state(self):
        return ("m", "v")

    def constants(self, step):
        shares = _shares(self.beta1, self.momentum_decay, step)
        return self.beta1, 1 - self.beta1, self.beta2, 1 - self.beta2, *shares, 1 / math.sqrt(1 - self.beta2**step), self.epsilon

    @staticmethod
    def direction(g, p, state, constants):
        m, v = state
        beta1, rest1, beta2, rest2, of_gradient, of_m, correction, epsilon = constants
        m = beta1 * m + rest1 * g
        v = beta2 * v + rest2 * g * g
        return (of_gradient * g + of_m * m) / (np.sqrt(v) * correction + epsilon), (m, v)

    @classmethod
    def cases(cls):
        yield cls(learning_rate=0.05)
        yield cls(learning_rate=0.02, beta1=0.5, beta2=0.9, epsilon=1e-4, momentum_decay=0.1)


def _shares(beta1: float, decay: float, step: int) -> tuple[float, float]:
    """What g and m are multiplied by: (1 − μₜ) / (1 − Π), μₜ₊₁ / (1 − Π μₜ₊₁)."""
    product = 1.0
    for i in range(1, step + 1):
        product *= _mu(beta1, decay, i)
        if product < 1e-20:  # 1 − Π is 1 from here on
            break
    following = _mu(beta1, decay, step + 1)
    return (1 - _mu(beta1, decay, step)) / (1 - product), following / (1 - product * following)


def _mu(beta1: float, decay: float, i: int) -> float:
    return beta1 * (1 - 0.5 * 0.96**(i * decay))
