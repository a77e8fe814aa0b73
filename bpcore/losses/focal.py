"""focal: −α_t (1 − p_t)^γ log p_t of each output, for yes/no targets of which few are yes.

z: any shape, t: the same shape, 0 or 1. p_t = σ(z) for a yes, 1 − σ(z) for a no; α_t = α for a yes, 1 − α
for a no. With s = ±1 for yes and no and q = 1 − p_t: d/dz = −s α_t q^γ (q − γ (1 − q) log p_t). What is
predicted well already counts little: at γ = 0 this is α_t times sigmoid_cross_entropy. The sigmoid is part
of the loss. For one of many classes: softmax_focal.

Source: Lin et al., "Focal loss for dense object detection", ICCV 2017, sections 3.1 and 3.2.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.attributes import number
from bpcore.losses import Case, Loss
from bpcore.numerics.logits import softplus
from bpcore.numerics.targets import matched, yes_no_problem


@dataclass(frozen=True)
class Focal(Loss):
    alpha: float = number(0.25, above=0, below=1)
    gamma: float = number(2.0, minimum=0)

    def target_problem(self, output, targets):
        return yes_no_problem(output, targets)

    def elementwise(self, output, targets, gradient):
        yes = matched(targets, output) > 0.5
        signed = np.where(yes, output, -output)
        entropy = softplus(-signed)
        missing = np.exp(-softplus(signed))  # 1 − p_t, exact also where p_t is nearly 1
        share = np.where(yes, output.dtype.type(self.alpha), output.dtype.type(1 - self.alpha)) * missing ** self.gamma
        if gradient is not None:
            np.multiply(share, missing + self.gamma * (1 - missing) * entropy, out=gradient)
            np.negative(gradient, out=gradient, where=yes)
        return share * entropy

    @classmethod
    def cases(cls):
        yield Case(cls(), (3,), np.array([[0, 1, 1], [1, 0, 0]]))
        yield Case(cls(alpha=0.6, gamma=0.5), (2, 2), np.array([[[0, 1], [1, 0]]]))
        yield Case(cls(gamma=0), (1,), np.array([1, 0, 1]))
