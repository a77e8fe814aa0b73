"""nadam: Adam with Nesterov's momentum.

m ← β₁ m + (1 − β₁) g;   v ← β₂ v + (1 − β₂) g²;   μᵢ = β₁ (1 − ½ · 0.96^(i ψ))
d = ((1 − μₜ) g / (1 − Π μᵢ, i ≤ t) + μₜ₊₁ m / (1 − Π μᵢ, i ≤ t + 1)) / (√(v / (1 − β₂ᵗ)) + ε)

β₁, β₂: beta1, beta2, ε: epsilon, ψ: momentum_decay, t: step from 1. Source: Dozat, "Incorporating Nesterov
momentum into Adam", ICLR 2016 workshop, algorithm 2 and its section on the schedule of μ.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from bpcore.attributes import number
from bpcore.moments import average, average_of_squares
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

    def direction(self, step, gradient, p, state, new_state, out):
        m = average(state["m"], gradient, self.beta1, out=new_state["m"], spare=out)
        v = average_of_squares(state["v"], gradient, self.beta2, out=new_state["v"], spare=out)
        of_gradient, of_m = _shares(self.beta1, self.momentum_decay, step)
        root = np.sqrt(v)
        root /= math.sqrt(1 - self.beta2**step)
        root += self.epsilon
        np.multiply(gradient, of_gradient, out=out)
        out += of_m * m
        out /= root

    @classmethod
    def cases(cls):
        yield cls(learning_rate=0.05)
        yield cls(learning_rate=0.02, beta1=0.5, beta2=0.9, epsilon=1e-4, momentum_decay=0.1)


@lru_cache(maxsize=4)  # every slice of a step asks
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
