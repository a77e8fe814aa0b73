"""mae: the mean of |y − t| over all outputs.

output: any shape, targets: the same shape.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.metrics import Case, Metric, weighted
from bpcore.numerics.targets import matched, number_problem


@dataclass(frozen=True)
class Mae(Metric):
    def target_problem(self, output, targets):
        return number_problem(output, targets)

    def sums(self, output, targets, weights):
        return weighted(np.abs(output - matched(targets, output)), weights)

    @classmethod
    def cases(cls):
        yield Case(cls(), np.array([[1.0, 2.0], [3.0, 5.0]]), np.array([[1.0, 4.0], [2.0, 5.0]]), 0.75)
        yield Case(cls(), np.array([[1.0], [2.0], [3.0]]), np.array([1, 4, 0]), 1.75, weights=np.array([1.0, 2.0, 1.0]))
