"""sgd: stochastic gradient descent, with momentum.

v ← μ v + g;   d = v,   or with Nesterov's momentum   d = g + μ v

μ: momentum. Source: Sutskever et al., "On the importance of initialization and momentum in deep
learning", ICML 2013, in the form where the learning rate multiplies v (as in PyTorch).
"""

from dataclasses import dataclass

import numpy as np

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

    def direction(self, step, gradient, p, state, new_state, out):
        if not self.momentum:
            out[...] = gradient
            return
        v = new_state["velocity"]
        np.multiply(state["velocity"], self.momentum, out=v)
        v += gradient
        if self.nesterov:
            np.multiply(v, self.momentum, out=out)
            out += gradient
        else:
            out[...] = v

    @classmethod
    def cases(cls):
        yield cls(learning_rate=0.1)
        yield cls(learning_rate=0.05, momentum=0.9)
        yield cls(learning_rate=0.05, momentum=0.9, nesterov=True)
