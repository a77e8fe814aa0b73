"""adamw: Adam with weight decay that the gradient's history does not see.

d = m̂ / (√v̂ + ε) + λ p, with m̂ and v̂ as in adam.py

λ: weight_decay; patterns in `regularization.exclude` and `groups` keep it from biases and norms. Source:
Loshchilov & Hutter, "Decoupled weight decay regularization", ICLR 2019, algorithm 2, in the form where
the learning rate multiplies λ (as in PyTorch).
"""

from dataclasses import dataclass

from bpcore.attributes import number
from bpcore.optimizers.adam import Adam


@dataclass(frozen=True)
class AdamW(Adam):
    weight_decay: float = number(0.01, minimum=0)

    @property
    def decay(self):
        return self.weight_decay

    @classmethod
    def cases(cls):
        yield cls(learning_rate=0.1)
        yield cls(learning_rate=0.05, beta1=0.5, beta2=0.9, epsilon=1e-4, weight_decay=0.3)
