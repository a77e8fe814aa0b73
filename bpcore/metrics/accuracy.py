"""accuracy: the share of labels that the largest output names.

output: (…, classes) with integer labels (…); or yes/no targets: for (…, 1), or integers of the output's shape,
where a positive output (a probability over one half, before the sigmoid) means 1. ignored: elements with
this label count nothing.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.metrics import Case, Metric, weighted
from bpcore.numerics.targets import class_problem, ignored_label, kept


@dataclass(frozen=True)
class Accuracy(Metric):
    ignored: int | None = ignored_label()

    def target_problem(self, output, targets):
        return class_problem(output, targets, self.ignored)

    def sums(self, output, targets, weights):
        if targets.ndim == output.ndim or output.shape[-1] == 1:
            hits = (output > 0).reshape(targets.shape) == (targets > 0.5)
        else:
            hits = output.argmax(axis=-1) == targets
        return weighted(hits, kept(targets, weights, self.ignored))

    @classmethod
    def cases(cls):
        scores = np.array([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7], [0.6, 0.4]])
        yield Case(cls(), scores, np.array([1, 0, 0, 0]), 0.75)
        yield Case(cls(), np.array([[2.0], [-1.0], [0.5]]), np.array([1, 1, 0]), 1 / 3)
        yield Case(cls(), scores, np.array([1, 0, 0, 1]), 2 / 3, weights=np.array([1.0, 1.0, 1.0, 0.0]))
        yield Case(cls(), np.array([[2.0, -1.0, -1.0]]), np.array([[1, 1, 0]]), 2 / 3)
        yield Case(cls(ignored=-1), scores, np.array([1, -1, 0, -1]), 0.5)
