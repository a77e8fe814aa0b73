"""amsgrad: Adam whose steps never grow: it divides by the largest second moment so far.

m ← β₁ m + (1 − β₁) g;   v ← β₂ v + (1 − β₂) g²;   v_max ← max(v_max, v)
d = m̂ / (√(v_max / (1 − β₂ᵗ)) + ε)   with m̂ = m / (1 − β₁ᵗ)

β₁, β₂: beta1, beta2, ε: epsilon, t: step from 1. Source: Reddi, Kale & Kumar, "On the convergence of Adam
and beyond", ICLR 2018, algorithm 2, with Adam's bias correction (as in PyTorch).
"""

from dataclasses import dataclass

import numpy as np

from bpcore.optimizers.adam import Adam


@dataclass(frozen=True)
class AmsGrad(Adam):
    @property
    def state(self):
        return ("m", "v", "v_max")

    @staticmethod
    def direction(g, p, state, constants):
        m, v, v_max = state
        beta1, rest1, beta2, rest2, correction, epsilon = constants
        m = beta1 * m + rest1 * g
        v = beta2 * v + rest2 * g * g
        v_max = np.maximum(v_max, v)
        return m / (np.sqrt(v_max) * correction + epsilon), (m, v, v_max)

    @classmethod
    def cases(cls):
        yield cls(learning_rate=0.1)
        yield cls(learning_rate=0.05, beta1=0.5, beta2=0.9, epsilon=1e-4)
