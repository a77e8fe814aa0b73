"""relative_rmse: √(Σ (y − t)² / Σ t²): the error over that of always saying 0.

output: any shape, targets: the same shape. Where targets are written as differences from a simple forecast (the last value, a
constant velocity), 0 is that forecast, so that this is the error as a share of the forecast's: 1 is as good, 0.5 twice as good.

Source: Hyndman & Koehler, "Another look at measures of forecast accuracy", Int. J. of Forecasting 22 (2006), section 2.5.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.metrics import Case, Metric, weighted
from bpcore.numerics.targets import matched, number_problem


@dataclass(frozen=True)
class RelativeRmse(Metric):
    def target_problem(self, output, targets):
        return number_problem(output, targets)

    def sums(self, output, targets, weights):
        t = matched(targets, output).astype(np.float64)
        return weighted(np.square(output - t), weights)[0], weighted(np.square(t), weights)[0]

    def value(self, sums):
        return super().value(sums) ** 0.5

    @classmethod
    def cases(cls):
        yield Case(cls(), np.array([[1.0, 2.0], [3.0, 5.0]]), np.array([[1.0, 4.0], [2.0, 2.0]]), (14 / 25) ** 0.5)
        yield Case(cls(), np.array([[1.0], [2.0], [4.0]]), np.array([1, 4, 0]), (8 / 33) ** 0.5, weights=np.array([1.0, 2.0, 0.0]))
