"""top_k_accuracy: the share of labels that are among the k largest outputs.

output: (…, classes) with integer labels (…). Of equal outputs the first class goes first, so that k = 1 is
`accuracy`. ignored: elements with this label count nothing.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.attributes import integer
from bpcore.errors import expected
from bpcore.metrics import Case, Metric, weighted
from bpcore.numerics.targets import ignored_label, kept, label_problem, usable
from bpcore.shapes import describe


@dataclass(frozen=True)
class TopKAccuracy(Metric):
    k: int = integer(5, minimum=1)
    ignored: int | None = ignored_label()

    def target_problem(self, output, targets):
        if not output or output[-1] < self.k:
            return expected(f"an output of (…, classes), at least {self.k}", describe(output), "use a smaller k")
        return label_problem(output, targets, self.ignored)

    def sums(self, output, targets, weights):
        labels = usable(targets, self.ignored)[..., None]
        own = np.take_along_axis(output, labels, axis=-1)
        first = np.arange(output.shape[-1]) < labels
        before = ~(output <= own) | ((output == own) & first)  # what is not a number counts as before it
        return weighted(before.sum(axis=-1) < self.k, kept(targets, weights, self.ignored))

    @classmethod
    def cases(cls):
        scores = np.array([[0.1, 0.5, 0.4], [0.8, 0.2, 0.0], [0.3, 0.3, 0.3]])
        yield Case(cls(k=2), scores, np.array([2, 2, 1]), 2 / 3)
        yield Case(cls(k=1), scores, np.array([1, 1, 1]), 1 / 3)
        yield Case(cls(k=2), scores, np.array([2, 2, 2]), 0.25, weights=np.array([0.5, 1.0, 0.5]))
        yield Case(cls(k=2, ignored=0), scores, np.array([0, 2, 1]), 0.5)
