"""radam: Adam that goes without its second moment until that is known well enough.

m ← β₁ m + (1 − β₁) g;   v ← β₂ v + (1 − β₂) g²
ρ∞ = 2 / (1 − β₂) − 1;   ρₜ = ρ∞ − 2 t β₂ᵗ / (1 − β₂ᵗ)
d = m̂ r √(1 − β₂ᵗ) / (√v + ε) where ρₜ > 5, with r = √((ρₜ − 4)(ρₜ − 2) ρ∞ / ((ρ∞ − 4)(ρ∞ − 2) ρₜ));
d = m̂ = m / (1 − β₁ᵗ) before

β₁, β₂: beta1, beta2, ε: epsilon, t: step from 1. Source: Liu et al., "On the variance of the adaptive
learning rate and beyond", ICLR 2020, algorithm 2, with the limit 5 (the authors' code, and PyTorch's).
"""

import math
from dataclasses import dataclass

import numpy as np

from bpcore.attributes import number
from bpcore.optimizers import Optimizer


@dataclass(frozen=True)
class RAdam(Optimizer):
    learning_rate: float = number(0.001, minimum=0)
    beta1: float = number(0.9, minimum=0, below=1)
    beta2: float = number(0.999, minimum=0, below=1)
    epsilon: float = number(1e-8, above=0)

    @property
    def state(self):
        return ("m", "v")

    def constants(self, step):
        rectification = _rectification(self.beta2, step)
        divisor = (1.0, self.epsilon) if rectification else (0.0, 1.0)
        factor = rectification * math.sqrt(1 - self.beta2**step) if rectification else 1.0
        return self.beta1, 1 - self.beta1, self.beta2, 1 - self.beta2, factor / (1 - self.beta1**step), *divisor

    @staticmethod
    def direction(g, p, state, constants):
        m, v = state
        beta1, rest1, beta2, rest2, factor, of_root, epsilon = constants
        m = beta1 * m + rest1 * g
        v = beta2 * v + rest2 * g * g
        return factor * m / (of_root * np.sqrt(v) + epsilon), (m, v)

    @classmethod
    def cases(cls):
        yield cls(learning_rate=0.1)
        yield cls(learning_rate=0.05, beta1=0.5, beta2=0.9, epsilon=1e-4)
        yield cls(learning_rate=0.05, beta2=0.5)  # never rectified: ρ∞ is 3


def _rectification(beta2: float, step: int) -> float:
    """r, or 0 as long as the variance of the second moment is out of hand."""
    longest = 2 / (1 - beta2) - 1
    rho = longest - 2 * step * beta2**step / (1 - beta2**step)
    if rho <= 5:
        return 0.0
    return math.sqrt((rho - 4) * (rho - 2) * longest / ((longest - 4) * (longest - 2) * rho))
