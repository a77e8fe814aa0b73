"""contrastive: ½ D² of two vectors that belong together, ½ max(0, margin − D)² of two that don't.

Output: (…, 2, d), the vectors a and b on the axis before the last. t: (…), 1 together, 0 or −1 apart, as in
cosine_embedding (the paper's Y is 1 − t). D = ‖a − b‖₂. d/da = a − b together, −max(0, margin − D) (a − b) / D
apart, and 0 at D = 0, where no direction leads apart; d/db = −d/da.

Source: Hadsell et al., "Dimensionality reduction by learning an invariant mapping", CVPR 2006, section 2.1.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.attributes import number
from bpcore.losses import Case, Loss
from bpcore.numerics.targets import pair_problem, vectors_problem


@dataclass(frozen=True)
class Contrastive(Loss):
    margin: float = number(1.0, above=0)

    def output_problem(self, output):
        return vectors_problem(output, "two vectors", 2)

    def target_problem(self, output, targets):
        return pair_problem(output, targets)

    def element_shape(self, output):
        return output[:-2]

    def elementwise(self, output, targets, gradient):
        difference = output[..., 0, :] - output[..., 1, :]
        distance = np.sqrt(np.square(difference).sum(axis=-1))
        missing, together = np.maximum(self.margin - distance, 0), targets > 0
        if gradient is not None:
            push = np.divide(missing, distance, out=np.zeros_like(distance), where=distance > 0)
            np.multiply(np.where(together, 1, -push).astype(output.dtype)[..., None], difference, out=gradient[..., 0, :])
            np.negative(gradient[..., 0, :], out=gradient[..., 1, :])
        return 0.5 * np.square(np.where(together, distance, missing))

    @classmethod
    def cases(cls):
        yield Case(cls(), (2, 3), np.array([1, 0, 1]))
        yield Case(cls(margin=4.0), (2, 2), np.array([0, -1, 0, 1]))
        yield Case(cls(margin=3.0), (2, 2, 1), np.array([[0.0, 1.0]]))
