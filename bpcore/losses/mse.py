"""mse: Σ (y − t)², the squared error. The count is the number of outputs.

y: any shape, t: the same shape. d/dy = 2 (y − t).
"""

from dataclasses import dataclass

import numpy as np

from bpcore.errors import expected
from bpcore.losses import Case, Loss
from bpcore.shapes import describe


@dataclass(frozen=True)
class Mse(Loss):
    def output_problem(self, output):
        return None

    def target_problem(self, output, targets):
        if targets.shape != output and not (targets.shape == () and output == (1,)):
            return expected(f"targets of the output's shape {describe(output)}", describe(targets.shape))
        return None

    def evaluate(self, output, targets, gradient):
        difference = output - targets.reshape(output.shape).astype(output.dtype, copy=False)
        if gradient is not None:
            np.multiply(difference, 2, out=gradient)
        return float(np.square(difference).sum(dtype=np.float64)), float(output.size)

    @classmethod
    def cases(cls):
        yield Case(cls(), (2, 2), np.array([[[0.5, -1], [2, 0]]]))
        yield Case(cls(), (1,), np.array([1.5, 0, -2]))
