"""balanced_accuracy: the mean over the true classes of the share that is recognised; rare ones count as much.

output: (…, classes) with integer labels (…), or (1,) with a label 0 or 1. ignored: elements with this label
count nothing. Its sums are the confusion matrix, which `matrix` gives: a row for each true class, a
column for each class said.

Source: Brodersen et al., "The balanced accuracy and its posterior distribution", ICPR 2010.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.errors import expected
from bpcore.metrics import Case, Metric
from bpcore.numerics.confusion import answers
from bpcore.numerics.targets import ignored_label, kept, label_problem, yes_no_problem
from bpcore.shapes import describe

MOST_CLASSES = 1000  # 8 MB of sums


@dataclass(frozen=True)
class BalancedAccuracy(Metric):
    ignored: int | None = ignored_label()

    def target_problem(self, output, targets):
        if not output or output[-1] > MOST_CLASSES:
            return expected(f"an output of (…, classes), at most {MOST_CLASSES}", describe(output))
        return (label_problem if output[-1] > 1 else yes_no_problem)(output, targets, self.ignored)

    def width(self, output):
        return max(output[-1], 2) ** 2

    def sums(self, output, targets, weights):
        if output.shape[-1] == 1:
            output = np.concatenate([np.zeros_like(output), output], axis=-1)
        said, true, w = answers(output, targets.astype(np.int64, copy=False), kept(targets, weights, self.ignored))
        classes = output.shape[-1]
        return np.bincount(true * classes + said, w, minlength=classes * classes)

    def matrix(self, sums: np.ndarray) -> np.ndarray:
        """(classes, classes): how often each class was said where each was true."""
        classes = round(len(sums) ** 0.5)
        return np.reshape(sums, (classes, classes))

    def value(self, sums):
        matrix = self.matrix(sums)
        true = matrix.sum(axis=1)
        found = matrix.diagonal()[true > 0] / true[true > 0]
        return float(found.mean()) if len(found) else float("nan")

    @classmethod
    def cases(cls):
        scores = np.array([[3, 1, 2], [0, 2, 1], [0, 2, 1], [1, 2, 0], [2, 1, 0]])  # says 0 1 1 1 0
        yield Case(cls(), scores, np.array([0, 0, 1, 1, 2]), (1 / 2 + 1 + 0) / 3)
        yield Case(cls(), scores, np.array([0, 0, 1, 1, 0]), (2 / 3 + 1) / 2)
        yield Case(cls(), np.array([[2.0], [1.0], [-1.0]]), np.array([1, 0, 1]), (0 + 1 / 2) / 2)
        yield Case(cls(ignored=2), scores, np.array([0, 0, 1, 1, 2]), 3 / 4, weights=np.array([1.0, 1.0, 2.0, 0.5, 1.0]))
