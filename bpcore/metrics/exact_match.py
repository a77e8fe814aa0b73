"""exact_match: the share of samples whose labels are all right.

output: (…, places, classes) with integer labels (…, places): a sequence is right when each of its places is. Where the next
place is told what the earlier ones should have said, as a decoder is in training, that is the share of sequences that it
writes without a mistake by itself, always taking its likeliest symbol: up to the first mistake both see the same. ignored:
places with this label count nothing; a sequence of none but those, or of weight 0, counts nothing. Weights of places say
which count, weights of samples how much.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.errors import expected
from bpcore.metrics import Case, Metric
from bpcore.numerics.targets import ignored_label, kept, label_problem
from bpcore.shapes import describe


@dataclass(frozen=True)
class ExactMatch(Metric):
    ignored: int | None = ignored_label()

    def target_problem(self, output, targets):
        if len(output) < 2:
            return expected("an output of (…, places, classes)", describe(output))
        return label_problem(output, targets, self.ignored)

    def sums(self, output, targets, weights):
        w = kept(targets, weights, self.ignored)
        counted = np.ones(targets.shape) if w is None else w
        right = ((output.argmax(axis=-1) == targets) | (counted == 0)).all(axis=-1)
        whole = counted.max(axis=-1)
        return float((right * whole).sum()), float(whole.sum())

    @classmethod
    def cases(cls):
        says = np.eye(4)[[[1, 2, 3], [1, 1, 0], [2, 2, 2], [0, 3, 1]]]
        wanted = np.array([[1, 2, 3], [1, 1, 1], [2, 2, 2], [0, 3, 1]])
        yield Case(cls(), says, wanted, 3 / 4)
        yield Case(cls(), says, wanted, 3 / 5, weights=np.array([1.0, 2.0, 1.0, 1.0]))
        yield Case(cls(ignored=-1), says, np.array([[1, 2, -1], [1, 1, -1], [-1, -1, -1], [0, 0, -1]]), 2 / 3)
