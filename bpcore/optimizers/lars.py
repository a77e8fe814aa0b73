"""lars: momentum, with steps in proportion to each parameter's norm, for large batches.

v ← μ v + g;   p ← p − η τ ‖p‖ / ‖v‖ · v   (τ ‖p‖ / ‖v‖ for each parameter; 1 for those of one axis, and where a norm is zero)

μ: momentum, τ: trust_coefficient, η: the learning rate. The weight decay that the paper adds to g is
`regularization.l2`. Sources: You, Gitman & Ginsburg, "Large batch training of convolutional networks",
arXiv:1708.03888 (2017), for τ; in the form of You et al., "Large batch optimization for deep learning:
training BERT in 76 minutes", ICLR 2020, algorithm 1, where the norm is that of v, not of g.
"""

from dataclasses import dataclass

from bpcore.attributes import number
from bpcore.numerics.moments import norm_ratio
from bpcore.optimizers import Optimizer


@dataclass(frozen=True)
class Lars(Optimizer):
    learning_rate: float = number(1.0, minimum=0)
    momentum: float = number(0.9, minimum=0, below=1)
    trust_coefficient: float = number(0.001, above=0)

    @property
    def state(self):
        return ("velocity",)

    def constants(self, step):
        return (self.momentum,)

    @staticmethod
    def direction(g, p, state, constants):
        v = constants[0] * state[0] + g
        return v, (v,)

    @property
    def uses_trust(self):
        return True

    def trust(self, p_norm, direction_norm):
        return norm_ratio(p_norm, direction_norm, self.trust_coefficient)

    @classmethod
    def cases(cls):
        yield cls(learning_rate=0.1, trust_coefficient=0.1)
        yield cls(learning_rate=20.0, momentum=0.5)
