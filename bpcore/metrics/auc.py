"""auc: the area under the ROC curve: how likely a yes scores above a no; equal scores count one half.

output: (…, 1), or (…, 2) whose score is the second minus the first, with labels 0 and 1 (…). So that it adds up
over ranks, scores are counted in a fixed histogram of `bins` bins, evenly spaced in z / (1 + |z|): fine
around 0 (2 / bins wide), wider far out ((1 + |z|)² times as wide), without an end. Scores in one bin count
as equal, so the area is off by at most half the share of yes–no pairs that fall into one bin: with scores
spread over m bins about 1 / (2 m), and 0 when no bin holds both. ignored: such labels count nothing.

Source: Hanley & McNeil, "The meaning and use of the area under a ROC curve", Radiology 143 (1982).
"""

from dataclasses import dataclass

import numpy as np

from bpcore.attributes import integer
from bpcore.errors import expected
from bpcore.metrics import Case, Metric
from bpcore.numerics.targets import class_problem, ignored_label, kept
from bpcore.shapes import describe


@dataclass(frozen=True)
class Auc(Metric):
    bins: int = integer(1024, minimum=2)
    ignored: int | None = ignored_label()

    def target_problem(self, output, targets):
        if not output or output[-1] > 2 or output[-1] == 2 and targets.shape == output:
            came = f"{describe(output)} with {describe(targets.shape)}"
            return expected("an output of one or two classes, with one label", came)
        return class_problem(output, targets, self.ignored)

    def width(self, output):
        return 2 * self.bins

    def sums(self, output, targets, weights):
        w = kept(targets, weights, self.ignored)
        score = output[..., -1].ravel().astype(np.float64) - (output[..., 0].ravel() if output.shape[-1] == 2 else 0)
        place = (score / (1 + np.abs(score)) + 1) * (self.bins / 2)
        column = np.nan_to_num(place, nan=0).clip(0, self.bins - 1).astype(np.int64) + self.bins * (targets.ravel() > 0.5)
        return np.bincount(column, None if w is None else w.ravel(), minlength=2 * self.bins).astype(np.float64)

    def value(self, sums):
        no, yes = np.reshape(sums, (2, -1))
        pairs = no.sum() * yes.sum()
        return float((yes * (no.cumsum() - no / 2)).sum() / pairs) if pairs else float("nan")

    @classmethod
    def cases(cls):
        yield Case(cls(), np.array([[0.1], [0.4], [0.35], [0.8]]), np.array([0, 0, 1, 1]), 0.75)
        yield Case(cls(), np.array([[0, 1], [0, 1], [0, -50], [60, 0]]), np.array([0, 1, 1, 0]), (0.5 + 1 + 0 + 1) / 4)
        yield Case(cls(bins=2), np.array([[3.0], [2.0], [-1.0]]), np.array([0, 1, 1]), 0.25)
        yield Case(cls(ignored=-1), np.array([[1.0], [2.0], [3.0], [4.0], [9.0]]), np.array([0, 1, 1, 0, -1]), 0.75,
                   weights=np.array([3.0, 1.0, 1.0, 1.0, 1.0]))
