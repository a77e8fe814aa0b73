"""cosine_embedding: 1 − cos(a, b) of two vectors that belong together, max(0, cos(a, b) − margin) of two that don't.

Output: (…, 2, d), the vectors a and b on the axis before the last. t: (…), 1 together, −1 or 0 apart.
cos(a, b) = a·b / √(A B) with A = a·a + ε, B = b·b + ε, ε = 1e-12. d cos/da = b / √(A B) − cos · a / A.

Source: Hadsell et al. (see contrastive) with the cosine for the distance; the form is PyTorch's
CosineEmbeddingLoss.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.attributes import number
from bpcore.losses import Case, Loss
from bpcore.numerics.targets import pair_problem, vectors_problem

EPSILON = 1e-12


@dataclass(frozen=True)
class CosineEmbedding(Loss):
    margin: float = number(0.0, minimum=-1, below=1)

    def output_problem(self, output):
        return vectors_problem(output, "two vectors", 2)

    def target_problem(self, output, targets):
        return pair_problem(output, targets)

    def element_shape(self, output):
        return output[:-2]

    def elementwise(self, output, targets, gradient):
        a, b = output[..., 0, :], output[..., 1, :]
        squares = np.square(output).sum(axis=-1, keepdims=True) + EPSILON
        norms = np.sqrt(squares)
        cosine = (a / norms[..., 0, :] * (b / norms[..., 1, :])).sum(axis=-1)
        together = targets > 0
        if gradient is not None:
            pull = np.where(together, -1, cosine > self.margin).astype(output.dtype)[..., None, None]
            np.divide(output[..., ::-1, :], norms[..., :1, :] * norms[..., 1:, :], out=gradient)
            gradient -= cosine[..., None, None] * output / squares
            gradient *= pull
        return np.where(together, 1 - cosine, np.maximum(cosine - self.margin, 0))

    @classmethod
    def cases(cls):
        yield Case(cls(), (2, 4), np.array([1, -1, 1, -1]))
        yield Case(cls(margin=-0.4), (2, 3), np.array([-1, -1, -1]))
        yield Case(cls(), (3, 2, 2), np.array([[1.0, 0.0, 1.0]]))
        yield Case(cls(margin=0.5), (2, 1), np.array([1]))
