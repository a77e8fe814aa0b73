"""lamb: Adam, with steps in proportion to each parameter's norm, for large batches.

d = m̂ / (√v̂ + ε) + λ p, with m̂ and v̂ as in adam.py;   p ← p − η ‖p‖ / ‖d‖ · d
(‖p‖ / ‖d‖ for each parameter; 1 for those of one axis, such as biases, and where a norm is zero)

ε: epsilon, λ: weight_decay, η: the learning rate. Source: You et al., "Large batch optimization for deep
learning: training BERT in 76 minutes", ICLR 2020, algorithm 2, with φ the identity.
"""

from dataclasses import dataclass

from bpcore.attributes import number
from bpcore.numerics.moments import norm_ratio
from bpcore.optimizers.adam import Adam


@dataclass(frozen=True)
class Lamb(Adam):
    learning_rate: float = number(0.001, minimum=0)
    epsilon: float = number(1e-6, above=0)
    weight_decay: float = number(0.01, minimum=0)

    @property
    def decay(self):
        return self.weight_decay

    @property
    def uses_trust(self):
        return True

    def trust(self, p_norm, direction_norm):
        return norm_ratio(p_norm, direction_norm)

    @classmethod
    def cases(cls):
        yield cls(learning_rate=0.02)
        yield cls(learning_rate=0.02, beta1=0.5, beta2=0.9, epsilon=1e-4, weight_decay=0.0)
