"""mse: (y − t)², the squared error of each output.

y: any shape, t: the same shape. d/dy = 2 (y − t). Also the loss of a value head, on returns.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.losses import Case, Loss
from bpcore.numerics.targets import matched, number_problem


@dataclass(frozen=True)
class Mse(Loss):
    def target_problem(self, output, targets):
        return number_problem(output, targets)

    def elementwise(self, output, targets, gradient):
        difference = output - matched(targets, output)
        if gradient is not None:
            np.multiply(difference, 2, out=gradient)
        return np.square(difference)

    @classmethod
    def cases(cls):
        yield Case(cls(), (2, 2), np.array([[[0.5, -1], [2, 0]]]))
        yield Case(cls(), (1,), np.array([1.5, 0, -2]))
