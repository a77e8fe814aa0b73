"""rmsprop: each number's gradient over the root mean square of its late gradients.

s ← α s + (1 − α) g²;   c ← α c + (1 − α) g;   r = g / (√s + ε),   or centered   r = g / (√(s − c²) + ε)
v ← μ v + r;   d = v

α: alpha, ε: epsilon, μ: momentum. Sources: Hinton, "Neural networks for machine learning", lecture 6e
(2012); centered: Graves, "Generating sequences with recurrent neural networks", arXiv:1308.0850 (2013),
equations 38 to 42. ε stands outside the root (as in PyTorch).
"""

from dataclasses import dataclass

import numpy as np

from bpcore.attributes import flag, number
from bpcore.moments import average, average_of_squares
from bpcore.optimizers import Optimizer


@dataclass(frozen=True)
class RMSProp(Optimizer):
    learning_rate: float = number(0.01, minimum=0)
    alpha: float = number(0.99, minimum=0, below=1)
    epsilon: float = number(1e-8, above=0)
    momentum: float = number(0.0, minimum=0, below=1)
    centered: bool = flag(False)

    @property
    def state(self):
        return ("squares",) + ("center",) * self.centered + ("velocity",) * bool(self.momentum)

    def direction(self, step, gradient, p, state, new_state, out):
        out[...] = average_of_squares(state["squares"], gradient, self.alpha, out=new_state["squares"], spare=out)
        if self.centered:
            center = average(state["center"], gradient, self.alpha, out=new_state["center"])
            out -= center * center
            np.maximum(out, 0, out=out)  # a variance, but for rounding
        np.sqrt(out, out=out)
        out += self.epsilon
        np.divide(gradient, out, out=out)
        if self.momentum:
            out += self.momentum * state["velocity"]
            new_state["velocity"][...] = out

    @classmethod
    def cases(cls):
        yield cls(learning_rate=0.01)
        yield cls(learning_rate=0.005, alpha=0.9, epsilon=1e-4, momentum=0.9)
        yield cls(learning_rate=0.01, centered=True)
        yield cls(learning_rate=0.005, alpha=0.9, epsilon=1e-2, momentum=0.5, centered=True)
