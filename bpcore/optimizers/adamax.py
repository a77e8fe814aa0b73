"""adamax: Adam with the largest gradient of late in place of the second moment.

m ← β₁ m + (1 − β₁) g;   u ← max(β₂ (u + ε), |g| + ε) − ε;   d = m̂ / (u + ε)   with m̂ = m / (1 − β₁ᵗ)

β₁, β₂: beta1, beta2, ε: epsilon, t: step from 1. Source: Kingma & Ba, "Adam: a method for stochastic
optimization", ICLR 2015, algorithm 2, with PyTorch's ε; u is kept without it, so that zeros stay zero.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.attributes import number
from bpcore.moments import average
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

    def direction(self, step, gradient, p, state, new_state, out):
        m, u = average(state["m"], gradient, self.beta1, out=new_state["m"], spare=out), new_state["u"]
        np.multiply(state["u"], self.beta2, out=u)
        u -= (1 - self.beta2) * self.epsilon
        np.maximum(u, np.abs(gradient, out=out), out=u)
        np.add(u, self.epsilon, out=out)
        np.divide(m, out, out=out)
        out /= 1 - self.beta1**step

    @classmethod
    def cases(cls):
        yield cls(learning_rate=0.1)
        yield cls(learning_rate=0.05, beta1=0.5, beta2=0.9, epsilon=1e-4)
