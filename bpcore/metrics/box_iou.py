"""box_iou: the intersection of a said and a true box over their union, averaged.

output: (…, 4), numbers (x, y, width, height) of a box whose middle is (x, y), targets: the same shape. Both boxes of a pair in
one unit and seen from one point, be it a cell's corner or the picture's. A box of no or less width or height has no area: its
iou is 0. Weights: of boxes (…), so that cells without an object can count nothing.

Source: Everingham et al., "The Pascal visual object classes challenge", IJCV 88 (2010), section 4.2.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.errors import expected
from bpcore.metrics import Case, Metric, weighted
from bpcore.numerics.targets import number_problem
from bpcore.shapes import describe


@dataclass(frozen=True)
class BoxIou(Metric):
    def target_problem(self, output, targets):
        if output[-1:] != (4,):
            return expected("an output of (…, 4): x, y, width, height", describe(output))
        return number_problem(output, targets)

    def sums(self, output, targets, weights):
        return weighted(iou(output.astype(np.float64), targets.astype(np.float64)), weights)

    @classmethod
    def cases(cls):
        true = np.array([[1.0, 1.0, 2.0, 2.0]] * 4)
        said = np.array([[1.0, 1.0, 2.0, 2.0], [2.0, 1.0, 2.0, 2.0], [1.0, 1.0, 1.0, 4.0], [1.0, 1.0, -2.0, 2.0]])
        yield Case(cls(), said, true, (1 + 2 / 6 + 2 / 6 + 0) / 4)
        yield Case(cls(), said[None], true[None], (1 + 2 / 6) / 2, weights=np.array([[1.0, 1.0, 0.0, 0.0]]))
        yield Case(cls(), said[:2], true[:2], (3 + 2 / 6) / 4, weights=np.array([3.0, 1.0]))


def iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Of each pair, (…)."""
    low = np.maximum(a[..., :2] - a[..., 2:] / 2, b[..., :2] - b[..., 2:] / 2)
    high = np.minimum(a[..., :2] + a[..., 2:] / 2, b[..., :2] + b[..., 2:] / 2)
    both = (high - low).clip(0).prod(axis=-1)
    either = a[..., 2:].clip(0).prod(axis=-1) + b[..., 2:].clip(0).prod(axis=-1) - both
    return np.divide(both, either, out=np.zeros_like(both), where=either > 0)
