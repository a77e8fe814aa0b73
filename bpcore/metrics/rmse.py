"""rmse: √ of the mean of (y − t)² over all outputs.

output: any shape, targets: the same shape.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.metrics import Case, Metric, weighted
from bpcore.numerics.targets import matched, number_problem


@dataclass(frozen=True)
class Rmse(Metric):
    def target_problem(self, output, targets):
        return number_problem(output, targets)

    def sums(self, output, targets, weights):
        return weighted(np.square(output - matched(targets, output)), weights)

    def value(self, sums):
        return super().value(sums) ** 0.5

    @classmethod
    def cases(cls):
        yield Case(cls(), np.array([[1.0, 2.0], [3.0, 5.0]]), np.array([[1.0, 4.0], [5.0, 7.0]]), 3 ** 0.5)
        yield Case(cls(), np.array([[1.0], [2.0], [4.0]]), np.array([1, 4, 0]), 6 ** 0.5, weights=np.array([1.0, 2.0, 1.0]))
