"""multi_margin: Σ_{i ≠ label} max(0, margin − y_label + y_i)^p / classes, over the last axis.

y: (…, classes), labels: integers (…). With m_i the term in the maximum: d/dy_i = p max(0, m_i)^(p−1) / classes,
and the label's is minus the sum of the others'. The hinge for one of many classes; p: 1 or 2.

Source: Weston & Watkins, "Support vector machines for multi-class pattern recognition", ESANN 1999, section
2; the mean over the classes and p are PyTorch's.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.attributes import attribute, number
from bpcore.errors import expected
from bpcore.losses import Case, Loss
from bpcore.numerics.targets import label_problem
from bpcore.shapes import describe


def _power(value):
    if isinstance(value, bool) or value not in (1, 2):
        raise ValueError
    return int(value)


@dataclass(frozen=True)
class MultiMargin(Loss):
    margin: float = number(1.0, above=0)
    p: int = attribute("1 or 2", _power, 1)

    def output_problem(self, output):
        if not output or output[-1] < 2:
            return expected("the model to end in (classes,), at least 2", describe(output), "end it in linear")
        return None

    def target_problem(self, output, targets):
        return label_problem(output, targets)

    def element_shape(self, output):
        return output[:-1]

    def elementwise(self, output, targets, gradient):
        labels, classes = targets[..., None], output.shape[-1]
        missing = np.maximum(self.margin + output - np.take_along_axis(output, labels, axis=-1), 0)
        np.put_along_axis(missing, labels, 0, axis=-1)
        if gradient is not None:
            np.multiply(missing > 0 if self.p == 1 else 2 * missing, 1 / classes, out=gradient)
            np.put_along_axis(gradient, labels, -gradient.sum(axis=-1, keepdims=True), axis=-1)
        return (missing ** self.p).sum(axis=-1) / classes

    @classmethod
    def cases(cls):
        yield Case(cls(), (4,), np.array([0, 3, 1]))
        yield Case(cls(margin=0.3, p=2), (2, 3), np.array([[0, 2], [1, 1]]))
        yield Case(cls(p=2), (2,), np.array([1]))
