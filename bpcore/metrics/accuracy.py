"""accuracy: the share of samples whose largest output is their label.

output: (classes,) with an integer label; or (1,) with a label 0 or 1, where a positive output (a
probability over one half, before the sigmoid) means 1.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.errors import expected
from bpcore.metrics import Case, Metric
from bpcore.shapes import describe


@dataclass(frozen=True)
class Accuracy(Metric):
    def target_problem(self, output, targets):
        if len(output) != 1:
            return expected("an output of (classes,)", describe(output))
        if not targets.integer or targets.shape != ():
            return expected("one integer label a sample", describe(targets.shape) + " numbers")
        return None

    def sums(self, output, targets):
        predicted = output[:, 0] > 0 if output.shape[1] == 1 else output.argmax(axis=1)
        return float(np.count_nonzero(predicted == targets)), float(len(output))

    @classmethod
    def cases(cls):
        scores = np.array([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7], [0.6, 0.4]])
        yield Case(cls(), scores, np.array([1, 0, 0, 0]), 0.75)
        yield Case(cls(), np.array([[2.0], [-1.0], [0.5]]), np.array([1, 1, 0]), 1 / 3)
