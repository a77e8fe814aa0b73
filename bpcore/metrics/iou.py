"""iou: right / (said + true − right), of each class, averaged: intersection over union (Jaccard index).

output: (…, classes) with integer labels (…), or yes/no targets; right, said, true, the averages and
`ignored` are as in bpcore/numerics/confusion.py.

Over all pixels of all images, as segmentation is judged (Everingham et al., "The Pascal visual object
classes challenge", IJCV 88, 2010, section 4.3), not image by image.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.metrics import Case
from bpcore.numerics.confusion import PerClass


@dataclass(frozen=True)
class Iou(PerClass):
    def parts(self, hits, said, true):
        return hits, said + true - hits

    @classmethod
    def cases(cls):
        scores = np.array([[3, 1, 2], [0, 2, 1], [0, 2, 1], [1, 2, 0], [2, 1, 0]])  # says 0 1 1 1 0
        labels = np.array([0, 0, 1, 1, 2])
        yield Case(cls(), scores, labels, (1 / 3 + 2 / 3 + 0) / 3)
        yield Case(cls(average="micro"), scores, labels, 3 / 7)
        yield Case(cls(average="weighted"), scores, labels, (2 * 1 / 3 + 2 * 2 / 3) / 5)
        yield Case(cls(average="binary"), scores[1:4, :2], labels[1:4], 2 / 3)
        yield Case(cls(), np.array([[2.0], [1.0], [-1.0], [0.5], [3.0]]), np.array([1, 0, 1, 1, 0]), 2 / 5)
        yield Case(cls(), np.array([[1, -1], [1, -1]]), np.array([[1, 1], [0, 0]]), 0.0, weights=np.array([0.0, 1.0]))
        yield Case(cls(ignored=-1), scores[:4, :2], np.array([0, 0, 1, -1]), (1 / 2 + 1 / 2) / 2)
