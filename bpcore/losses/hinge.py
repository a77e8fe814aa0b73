"""hinge: max(0, margin − s y) of each output, with s = 1 for a yes and −1 for a no.

y: any shape, t: the same shape: 1 for a yes, 0 or −1 for a no. d/dy = −s where s y < margin, else 0. The
loss of a support vector machine. For one of many classes: multi_margin.

Source: Cortes & Vapnik, "Support-vector networks", Machine Learning 20 (1995), section 3.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.attributes import number
from bpcore.losses import Case, Loss
from bpcore.numerics.targets import matched, number_problem, sign_problem


@dataclass(frozen=True)
class Hinge(Loss):
    margin: float = number(1.0, above=0)

    def target_problem(self, output, targets):
        return number_problem(output, targets) or sign_problem(targets)

    def elementwise(self, output, targets, gradient):
        no = matched(targets, output) <= 0
        missing = self.margin - np.where(no, -output, output)
        if gradient is not None:
            np.multiply(missing > 0, -1, out=gradient)
            np.negative(gradient, out=gradient, where=no)
        return np.maximum(missing, 0)

    @classmethod
    def cases(cls):
        yield Case(cls(), (3,), np.array([[0, 1, 1], [1, 0, 0]]))
        yield Case(cls(margin=0.2), (2, 2), np.array([[[-1, 1], [1, -1]]]))
        yield Case(cls(), (1,), np.array([1.0, -1.0, 1.0]))
