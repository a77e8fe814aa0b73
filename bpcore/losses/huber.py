"""huber: ½ e² where |e| ≤ δ, else δ (|e| − ½ δ), with the error e = y − t of each output.

y: any shape, t: the same shape. d/dy = e, cut to [−δ, δ]. Squared near the target, absolute far from it:
an outlier pulls no harder than δ. Also the loss of a value head, on returns.

Source: Huber, "Robust estimation of a location parameter", Annals of Mathematical Statistics 35 (1964).
"""

from dataclasses import dataclass

import numpy as np

from bpcore.attributes import number
from bpcore.losses import Case, Loss
from bpcore.numerics.targets import matched, number_problem


@dataclass(frozen=True)
class Huber(Loss):
    delta: float = number(1.0, above=0)

    def target_problem(self, output, targets):
        return number_problem(output, targets)

    def elementwise(self, output, targets, gradient):
        difference = output - matched(targets, output)
        cut = np.clip(difference, -self.delta, self.delta, out=gradient)
        return cut * (difference - 0.5 * cut)  # both branches: δ (|e| − ½ δ) has the sign in `cut`

    @classmethod
    def cases(cls):
        yield Case(cls(), (2, 2), np.array([[[0.5, -1], [4, 0]]]))
        yield Case(cls(delta=0.3), (3,), np.array([[0.1, 2, -0.5], [-3, 0, 1]]))
        yield Case(cls(delta=2.5), (1,), np.array([1.5, 0, -6]))
