"""mae: |y − t|, the absolute error of each output.

y: any shape, t: the same shape. d/dy = sign(y − t), with 0 where both are equal.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.losses import Case, Loss
from bpcore.numerics.targets import matched, number_problem


@dataclass(frozen=True)
class Mae(Loss):
    def target_problem(self, output, targets):
        return number_problem(output, targets)

    def elementwise(self, output, targets, gradient):
        difference = output - matched(targets, output)
        if gradient is not None:
            np.sign(difference, out=gradient)
        return np.abs(difference)

    @classmethod
    def cases(cls):
        yield Case(cls(), (2, 3), np.array([[[0.5, -1, 3], [2, 0, -2]]]))
        yield Case(cls(), (1,), np.array([1.5, 0, -2]))
