"""sigmoid_cross_entropy: Σ max(z, 0) − z t + log(1 + e^−|z|), for independent yes/no targets.

z: any shape, t: the same shape, in [0, 1]. d/dz = sigmoid(z) − t. The sigmoid is part of the loss: the
model ends in plain scores (logits). The count is the number of outputs.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.errors import expected
from bpcore.losses import Case, Loss
from bpcore.shapes import describe


@dataclass(frozen=True)
class SigmoidCrossEntropy(Loss):
    def output_problem(self, output):
        return None

    def target_problem(self, output, targets):
        if targets.shape != output and not (targets.shape == () and output == (1,)):
            return expected(f"targets of the output's shape {describe(output)}", describe(targets.shape))
        if targets.integer and targets.classes > 2:
            return expected("targets in [0, 1]", targets.classes - 1)
        return None

    def evaluate(self, output, targets, gradient):
        t = targets.reshape(output.shape).astype(output.dtype, copy=False)
        losses = np.maximum(output, 0) - output * t + np.log1p(np.exp(-np.abs(output)))
        if gradient is not None:
            np.multiply(output, 0.5, out=gradient)  # sigmoid(z) = (1 + tanh(z / 2)) / 2
            np.tanh(gradient, out=gradient)
            gradient *= 0.5
            gradient += 0.5
            gradient -= t
        return float(losses.sum(dtype=np.float64)), float(output.size)

    @classmethod
    def cases(cls):
        yield Case(cls(), (3,), np.array([[0, 1, 1], [0.25, 0, 1]]))
        yield Case(cls(), (1,), np.array([1, 0, 1]))
