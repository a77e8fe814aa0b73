"""poisson: e^y − t y, the negative log-likelihood of a count t whose expected value is e^y.

y: any shape, t: the same shape, at least 0. d/dy = e^y − t. The model ends in the logarithm of the rate;
log t!, which no parameter changes, is left out. e^y beyond y ≈ 88 is more than float32 can hold: such a
loss is not finite, and the training says so.

Source: McCullagh & Nelder, "Generalized linear models", 1989, section 6.2.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.errors import expected
from bpcore.losses import Case, Loss
from bpcore.numerics.targets import matched, number_problem


@dataclass(frozen=True)
class Poisson(Loss):
    def target_problem(self, output, targets):
        if targets.integer and targets.lowest < 0:
            return expected("counts from 0 on", targets.lowest)
        return number_problem(output, targets)

    def elementwise(self, output, targets, gradient):
        rate, t = np.exp(output), matched(targets, output)
        if gradient is not None:
            np.subtract(rate, t, out=gradient)
        return rate - t * output

    @classmethod
    def cases(cls):
        yield Case(cls(), (2, 2), np.array([[[0, 1], [7, 2]]]))
        yield Case(cls(), (1,), np.array([3, 0, 0.5]))
