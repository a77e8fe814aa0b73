"""r2: 1 − Σ (t − y)² / Σ (t − mean t)², of each output along the last axis, then their mean.

output: any shape, targets: the same shape; all leading axes are pooled. It keeps n, Σt, Σt², Σ(t − y)² of each
output, in float64; the targets' spread is Σt² − (Σt)² / n, which is exact as long as their mean is not many
orders of magnitude larger than their spread. Outputs whose targets don't vary have no r2 and are left out.

Source: Draper & Smith, "Applied regression analysis", 1998, section 1.3.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.metrics import Case, Metric
from bpcore.numerics.targets import kept, number_problem


@dataclass(frozen=True)
class R2(Metric):
    def target_problem(self, output, targets):
        return number_problem(output, targets)

    def width(self, output):
        return 4 * (output[-1] if output else 1)

    def sums(self, output, targets, weights):
        y = output if output.ndim > 1 else output[:, None]
        t = targets.reshape(y.shape).astype(np.float64)
        w = kept(t, weights, None)
        w = np.ones(y.shape) if w is None else w
        parts, leading = [np.ones(y.shape), t, np.square(t), np.square(t - y)], tuple(range(y.ndim - 1))
        return np.concatenate([np.sum(w * part, axis=leading, where=w != 0) for part in parts])

    def value(self, sums):
        n, total, squares, residual = np.reshape(sums, (4, -1))
        spread = squares - np.square(total) / np.maximum(n, 1e-300)
        varies = spread > 1e-14 * squares
        return float((1 - residual[varies] / spread[varies]).mean()) if varies.any() else float("nan")

    @classmethod
    def cases(cls):
        yield Case(cls(), np.array([[1.0], [2.0], [4.0]]), np.array([1, 2, 3]), 0.5)
        two, targets = np.array([[1.0, 1.0], [2.0, 0.0], [4.0, 1.0]]), np.array([[1.0, 0.0], [2.0, 1.0], [3.0, 2.0]])
        yield Case(cls(), two, targets, (0.5 + (1 - 3 / 2)) / 2)
        four, weights = np.array([[1.0], [2.0], [4.0], [9.0]]), np.array([1.0, 1.0, 1.0, 0.0])
        yield Case(cls(), four, np.array([[1], [2], [3], [7]]), 0.5, weights)
