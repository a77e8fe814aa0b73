"""sigmoid_cross_entropy: −w t log σ(z) − (1 − t) log(1 − σ(z)) of each output, for independent yes/no targets.

z: any shape, t: the same shape, in [0, 1]; σ(z) = 1 / (1 + e^−z). d/dz = (1 + (w − 1) t) σ(z) − w t. The
sigmoid is part of the loss: the model ends in plain scores (logits). Computed as
(1 + (w − 1) t) log(1 + e^−|z|) + w t max(−z, 0) + (1 − t) max(z, 0), which overflows nowhere.

positive_weight w: how much more a yes counts, for data with few of them; the count stays one an element.
"""

from dataclasses import dataclass

import numpy as np

from bpcore import kernels
from bpcore.attributes import number
from bpcore.losses import Case, Loss
from bpcore.numerics.targets import matched, yes_no_problem


@dataclass(frozen=True)
class SigmoidCrossEntropy(Loss):
    positive_weight: float = number(1.0, above=0)

    def target_problem(self, output, targets):
        return yes_no_problem(output, targets)

    def elementwise(self, output, targets, gradient):
        losses, wanted = np.empty(output.shape, output.dtype), matched(targets, output)
        into = np.empty(0 if gradient is None else output.shape, output.dtype)
        if gradient is not None and gradient.flags.c_contiguous:
            into = gradient
        kernels.yes_no.cross_entropy(output.ravel(), wanted.ravel(), self.positive_weight, losses.reshape(-1), into.reshape(-1))
        if gradient is not None and into is not gradient:
            gradient[...] = into
        return losses

    def bound(self, output, targets, weights, gradient):
        if weights is not None or gradient is None or not gradient.flags.c_contiguous or targets.dtype != output.dtype:
            return super().bound(output, targets, weights, gradient)
        count, losses = float(output.size), np.empty(output.size, output.dtype)
        total = kernels.yes_no.cross_entropy.bound(output.dtype, output.reshape(-1), targets.reshape(-1), self.positive_weight, losses, gradient.reshape(-1))
        return lambda: (total(), count)

    @classmethod
    def cases(cls):
        yield Case(cls(), (3,), np.array([[0, 1, 1], [0.25, 0, 1]]))
        yield Case(cls(), (1,), np.array([1, 0, 1]))
        yield Case(cls(positive_weight=3.5), (2, 2), np.array([[[0, 1], [1, 0.5]]]))
