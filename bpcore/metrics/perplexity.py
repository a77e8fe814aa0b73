"""perplexity: e to the mean of −log softmax(z) at the label: among how many classes the model is torn.

output: (…, classes), plain scores (logits), with integer labels (…). ignored: elements with this label
count nothing.

Source: Jelinek et al., "Perplexity—a measure of the difficulty of speech recognition tasks", JASA 62
(1977).
"""

import math
from dataclasses import dataclass

import numpy as np

from bpcore.errors import expected
from bpcore.metrics import Case, Metric, weighted
from bpcore.numerics.logits import log_softmax
from bpcore.numerics.targets import ignored_label, kept, label_problem, usable
from bpcore.shapes import describe


@dataclass(frozen=True)
class Perplexity(Metric):
    ignored: int | None = ignored_label()

    def target_problem(self, output, targets):
        if not output or output[-1] < 2:
            return expected("an output of (…, classes), at least 2", describe(output))
        return label_problem(output, targets, self.ignored)

    def sums(self, output, targets, weights):
        labels = usable(targets, self.ignored)[..., None]
        entropy = -np.take_along_axis(log_softmax(output), labels, axis=-1)[..., 0]
        return weighted(entropy, kept(targets, weights, self.ignored))

    def value(self, sums):
        mean = super().value(sums)
        return math.inf if mean > 700 else math.exp(mean)  # e^700 is nearly all that a float64 holds

    @classmethod
    def cases(cls):
        log = np.log(np.array([[0.5, 0.25, 0.25], [0.125, 0.75, 0.125]]))
        yield Case(cls(), np.zeros((3, 7)), np.array([0, 3, 6]), 7.0)
        yield Case(cls(), log + 5, np.array([0, 2]), 4.0)
        yield Case(cls(ignored=-1), log[None], np.array([[1, -1]]), 4.0)
        yield Case(cls(), log, np.array([0, 2]), 2 ** 1.5, weights=np.array([3.0, 1.0]))
