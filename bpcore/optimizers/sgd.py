"""sgd: stochastic gradient descent, with momentum.

v ← μ v + g;   d = v,   or with Nesterov's momentum   d = g + μ v

μ: momentum. Source: Sutskever et al., "On the importance of initialization and momentum in deep
learning", ICML 2013, in the form where the learning rate multiplies v (as in PyTorch).
"""

from dataclasses import dataclass

from bpcore.attributes import flag, number
from bpcore.optimizers import Optimizer


@dataclass(frozen=True)
class Sgd(Optimizer):
    learning_rate: float = number(0.01, minimum=0)
    momentum: float = number(0.0, minimum=0, below=1)
    nesterov: bool = flag(False)

    @property
    def state(self):
        return ("velocity",) if self.momentum else ()

    def constants(self, step):
        return (self.momentum,)

    @property
    def direction(self):
        return (_nesterov if self.nesterov else _heavy) if self.momentum else _plain

    @classmethod
    def cases(cls):
        yield cls(learning_rate=0.1)
        yield cls(learning_rate=0.05, momentum=0.9)
        yield cls(learning_rate=0.05, momentum=0.9, nesterov=True)


def _plain(g, p, state, constants):
    return g, ()


def _heavy(g, p, state, constants):
    v = constants[0] * state[0] + g
    return v, (v,)


def _nesterov(g, p, state, constants):
    v = constants[0] * state[0] + g
    return g + constants[0] * v, (v,)
