"""amsgrad: Adam whose steps never grow: it divides by the largest second moment so far.

m ← β₁ m + (1 − β₁) g;   v ← β₂ v + (1 − β₂) g²;   v_max ← max(v_max, v)
d = m̂ / (√(v_max / (1 − β₂ᵗ)) + ε)   with m̂ = m / (1 − β₁ᵗ)

β₁, β₂: beta1, beta2, ε: epsilon, t: step from 1. Source: Reddi, Kale & Kumar, "On the convergence of Adam
and beyond", ICLR 2018, algorithm 2, with Adam's bias correction (as in PyTorch).
"""

from dataclasses import dataclass

import numpy as np

from bpcore.attributes import number
from bpcore.moments import adam_ratio, average, average_of_squares
from bpcore.optimizers import Optimizer


@dataclass(frozen=True)
class AmsGrad(Optimizer):
    learning_rate: float = number(0.001, minimum=0)
    beta1: float = number(0.9, minimum=0, below=1)
    beta2: float = number(0.999, minimum=0, below=1)
    epsilon: float = number(1e-8, above=0)

    @property
    def state(self):
        return ("m", "v", "v_max")

    def direction(self, step, gradient, p, state, new_state, out):
        m = average(state["m"], gradient, self.beta1, out=new_state["m"], spare=out)
        v = average_of_squares(state["v"], gradient, self.beta2, out=new_state["v"], spare=out)
        v_max = np.maximum(state["v_max"], v, out=new_state["v_max"])
        adam_ratio(m, v_max, step, self.beta1, self.beta2, self.epsilon, out)

    @classmethod
    def cases(cls):
        yield cls(learning_rate=0.1)
        yield cls(learning_rate=0.05, beta1=0.5, beta2=0.9, epsilon=1e-4)
