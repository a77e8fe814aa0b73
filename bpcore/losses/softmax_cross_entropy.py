"""softmax_cross_entropy: −Σ log softmax(z)[label], for one label a sample.

z: (classes,), label: an integer in [0, classes). d/dz = softmax(z) − one-hot(label). The softmax is part
of the loss: the model ends in plain scores (logits). Computed from z − max z, which overflows nowhere.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.errors import expected
from bpcore.losses import Case, Loss
from bpcore.shapes import describe


@dataclass(frozen=True)
class SoftmaxCrossEntropy(Loss):
    def output_problem(self, output):
        if len(output) != 1 or output[0] < 2:
            return expected("the model to end in (classes,), at least 2", describe(output), "end it in linear")
        return None

    def target_problem(self, output, targets):
        if not targets.integer or targets.shape != ():
            return expected("one integer label a sample", describe(targets.shape) + " numbers")
        if targets.classes > output[0]:
            return expected(f"labels 0 … {output[0] - 1}, as the model ends in {output[0]} classes",
                            targets.classes - 1, f"end the model in linear: {{units: {targets.classes}}}")
        return None

    def evaluate(self, output, targets, gradient):
        rows = np.arange(len(output))
        shifted = output - output.max(axis=1, keepdims=True)
        exponentials = np.exp(shifted)
        totals = exponentials.sum(axis=1)
        losses = np.log(totals) - shifted[rows, targets]
        if gradient is not None:
            np.divide(exponentials, totals[:, None], out=gradient)
            gradient[rows, targets] -= 1
        return float(losses.sum(dtype=np.float64)), float(len(output))

    @classmethod
    def cases(cls):
        yield Case(cls(), (4,), np.array([0, 3, 1]))
        yield Case(cls(), (2,), np.array([1]))
