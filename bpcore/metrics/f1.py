"""f1: 2 right / (said + true), of each class, averaged: the harmonic mean of precision and recall.

output: (…, classes) with integer labels (…), or yes/no targets; right, said, true, the averages and
`ignored` are as in bpcore/numerics/confusion.py.

Source: van Rijsbergen, "Information retrieval", 1979, chapter 7.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.metrics import Case
from bpcore.numerics.confusion import PerClass


@dataclass(frozen=True)
class F1(PerClass):
    def parts(self, hits, said, true):
        return 2 * hits, said + true

    @classmethod
    def cases(cls):
        scores = np.array([[3, 1, 2], [0, 2, 1], [0, 2, 1], [1, 2, 0], [2, 1, 0]])  # says 0 1 1 1 0
        labels = np.array([0, 0, 1, 1, 2])
        yield Case(cls(), scores, labels, (2 / 4 + 4 / 5 + 0) / 3)
        yield Case(cls(average="micro"), scores, labels, 6 / 10)
        yield Case(cls(average="weighted"), scores, labels, (2 * 2 / 4 + 2 * 4 / 5) / 5)
        yield Case(cls(average="binary"), scores[1:4, :2], labels[1:4], 4 / 5)
        yield Case(cls(), np.array([[2.0], [1.0], [-1.0], [0.5], [3.0]]), np.array([1, 0, 1, 1, 0]), 4 / 7)
        yield Case(cls(), np.array([[1, -1], [1, -1]]), np.array([[1, 1], [0, 0]]), 0.0, weights=np.array([0.0, 1.0]))
        yield Case(cls(ignored=-1), scores[:4, :2], np.array([0, 0, 1, -1]), (2 / 3 + 2 / 3) / 2)
