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

    def constants(self, step):
        return self.alpha, 1 - self.alpha, self.epsilon, self.momentum, 0.0

    @property
    def direction(self):
        return (_centered_heavy if self.momentum else _centered) if self.centered else _heavy if self.momentum else _plain

    @classmethod
    def cases(cls):
        yield cls(learning_rate=0.01)
        yield cls(learning_rate=0.005, alpha=0.9, epsilon=1e-4, momentum=0.9)
        yield cls(learning_rate=0.01, centered=True)
        yield cls(learning_rate=0.005, alpha=0.9, epsilon=1e-2, momentum=0.5, centered=True)


def _plain(g, p, state, constants):
    alpha, rest, epsilon, _, _ = constants
    s = alpha * state[0] + rest * g * g
    return g / (np.sqrt(s) + epsilon), (s,)


def _heavy(g, p, state, constants):
    alpha, rest, epsilon, momentum, _ = constants
    s = alpha * state[0] + rest * g * g
    v = momentum * state[1] + g / (np.sqrt(s) + epsilon)
    return v, (s, v)


def _centered(g, p, state, constants):
    alpha, rest, epsilon, _, zero = constants
    s, c = alpha * state[0] + rest * g * g, alpha * state[1] + rest * g
    return g / (np.sqrt(np.maximum(s - c * c, zero)) + epsilon), (s, c)  # a variance, but for rounding


def _centered_heavy(g, p, state, constants):
    alpha, rest, epsilon, momentum, zero = constants
    s, c = alpha * state[0] + rest * g * g, alpha * state[1] + rest * g
    v = momentum * state[2] + g / (np.sqrt(np.maximum(s - c * c, zero)) + epsilon)
    return v, (s, c, v)
