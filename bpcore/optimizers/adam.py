"""adam: adaptive moment estimation.

m ← β₁ m + (1 − β₁) g;   v ← β₂ v + (1 − β₂) g²;   p ← p − η m̂ / (√v̂ + ε)
with m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − β₂ᵗ)

η: learning_rate, β₁, β₂: beta1, beta2, ε: epsilon, t: step from 1. Source: Kingma & Ba, "Adam: a method
for stochastic optimization", ICLR 2015, algorithm 1.
"""

import math
from dataclasses import dataclass

import numpy as np

from bpcore.attributes import number
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

    def update(self, step, gradient, p, state, new_p, new_state):
        m, v = new_state["m"], new_state["v"]
        np.multiply(state["m"], self.beta1, out=m)
        m += (1 - self.beta1) * gradient
        np.multiply(state["v"], self.beta2, out=v)
        v += (1 - self.beta2) * gradient * gradient
        # m̂ / √v̂ with both corrections drawn into the two scalars
        scale = np.sqrt(v)
        scale /= math.sqrt(1 - self.beta2**step)
        scale += self.epsilon
        np.divide(m, scale, out=scale)
        scale *= self.learning_rate / (1 - self.beta1**step)
        np.subtract(p, scale, out=new_p)

    @classmethod
    def cases(cls):
        yield cls(learning_rate=0.1)
        yield cls(learning_rate=0.05, beta1=0.5, beta2=0.9, epsilon=1e-4)
