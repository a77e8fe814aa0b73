"""What the metrics over classes share: for each class, how often it was right, said, and true.

1. `hits`, `said`, `true` are weighted counts a class, so they add up over ranks; a metric is a ratio of
   them, averaged over the classes.
2. Labels: the class said is the largest output. Yes/no targets (an output of one, or targets of the
   output's shape): each output above 0 says yes to a class of its own.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.attributes import choice
from bpcore.errors import expected
from bpcore.metrics import Metric
from bpcore.numerics.targets import class_problem, ignored_label, kept


@dataclass(frozen=True)
class PerClass(Metric):
    """The base of precision, recall, f1 and iou.

    average: macro, the mean over the classes that occur (as target or answer); micro, one ratio of the
    sums over the classes; weighted, the mean weighted by how often a class is true; binary, class 1 of
    two. For one output they are all the same: the ratio of its yes. A ratio of 0 / 0 counts 0.
    """

    average: str = choice("macro", "micro", "weighted", "binary")
    ignored: int | None = ignored_label()

    def target_problem(self, output, targets):
        if self.average == "binary" and output and output[-1] > 2:
            return expected("an output of one or two classes for average: binary", output[-1])
        return class_problem(output, targets, self.ignored)

    def width(self, output):
        return 3 * output[-1]

    def sums(self, output, targets, weights):
        return np.concatenate(counts(output, targets, kept(targets, weights, self.ignored)))

    def parts(self, hits: np.ndarray, said: np.ndarray, true: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The ratio's two sides."""
        raise NotImplementedError

    def value(self, sums):
        hits, said, true = np.reshape(sums, (3, -1))
        above, below = self.parts(hits, said, true)
        occurs = said + true > 0
        if self.average == "binary":
            above, below, occurs = above[-1:], below[-1:], occurs[-1:]
        if not occurs.any():
            return float("nan")
        if self.average == "micro":
            return float(above.sum() / below.sum()) if below.sum() else 0.0
        ratios = np.divide(above, below, out=np.zeros_like(above), where=below > 0)
        shares = true if self.average == "weighted" else occurs
        return float((ratios * shares).sum() / shares.sum()) if shares.sum() else 0.0


def counts(output: np.ndarray, targets: np.ndarray, weights: np.ndarray | None) -> list[np.ndarray]:
    """hits, said, true, each (classes,). weights: in the shape of the targets, None: 1."""
    if targets.ndim == output.ndim or output.shape[-1] == 1:
        said, true = output > 0, targets.reshape(output.shape) > 0.5
        w = np.ones(output.shape) if weights is None else weights.reshape(output.shape)
        leading = tuple(range(output.ndim - 1))
        return [np.sum(w, axis=leading, where=yes) for yes in (said & true, said, true)]
    said, true, w = answers(output, targets, weights)
    hit = said == true
    return [np.bincount(label, w[where], minlength=output.shape[-1])
            for label, where in ((true[hit], hit), (said, slice(None)), (true, slice(None)))]


def answers(output: np.ndarray, labels: np.ndarray, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Flat: the labels said, the true ones and their weights, of the elements that count."""
    said, true = output.argmax(axis=-1).ravel(), labels.ravel()
    if weights is None:
        return said, true, np.ones(len(true))
    counted = weights.ravel() > 0
    return said[counted], true[counted], weights.ravel()[counted]
