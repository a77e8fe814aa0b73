"""triplet: max(0, margin + D(anchor, positive) − D(anchor, negative)).

Output: (…, 3, d): anchor, positive and negative on the axis before the last. Which vector is which says all,
so the targets are not looked at, whatever their shape: name any field. D(a, b) = ‖a − b + ε‖₂ with ε = 1e-6
on each number, as PyTorch's TripletMarginLoss has it, so that D is never 0. With u(a, b) = (a − b + ε) / D:
d/danchor = u(a, p) − u(a, n), d/dpositive = −u(a, p), d/dnegative = u(a, n) where the loss is over 0.

Source: Schroff et al., "FaceNet: a unified embedding for face recognition and clustering", CVPR 2015,
section 3.1, with plain instead of squared distances.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.attributes import number
from bpcore.losses import Case, Loss
from bpcore.numerics.targets import vectors_problem

EPSILON = 1e-6


@dataclass(frozen=True)
class Triplet(Loss):
    margin: float = number(1.0, above=0)

    def output_problem(self, output):
        return vectors_problem(output, "anchor, positive, negative", 3)

    def target_problem(self, output, targets):
        return None

    def element_shape(self, output):
        return output[:-2]

    def elementwise(self, output, targets, gradient):
        difference = output[..., :1, :] - output[..., 1:, :] + EPSILON
        distance = np.sqrt(np.square(difference).sum(axis=-1))
        losses = np.maximum(self.margin + distance[..., 0] - distance[..., 1], 0)
        if gradient is not None:
            difference /= distance[..., None]
            difference *= (losses > 0)[..., None, None]
            np.subtract(difference[..., 0, :], difference[..., 1, :], out=gradient[..., 0, :])
            np.negative(difference[..., 0, :], out=gradient[..., 1, :])
            gradient[..., 2, :] = difference[..., 1, :]
        return losses

    @classmethod
    def cases(cls):
        yield Case(cls(), (3, 4), np.zeros(4))
        yield Case(cls(margin=5.0), (2, 3, 2), np.array([0, 0, 0]))
        yield Case(cls(margin=0.2), (3, 1), np.zeros((2, 7)))
