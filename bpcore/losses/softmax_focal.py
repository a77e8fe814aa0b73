"""softmax_focal: −(1 − p)^γ log p with p = softmax(z) at the label, over the last axis.

z: (…, classes), labels: integers (…). With q = 1 − p: d/dz = q^γ (1 − γ p log(p) / q) (softmax(z) − onehot).
The form of `focal` for one of many classes; at γ = 0 it is softmax_cross_entropy. The softmax is part of
the loss.

class_weights: an element counts as much as its label's weight (the paper's α). ignored: elements with
this label count nothing.

Source: Lin et al., "Focal loss for dense object detection", ICCV 2017, section 3.2.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.attributes import number, numbers
from bpcore.errors import expected
from bpcore.losses import Case, Loss
from bpcore.numerics.logits import log_softmax
from bpcore.numerics.targets import ignored_label, label_problem, label_weights, usable
from bpcore.shapes import describe


@dataclass(frozen=True)
class SoftmaxFocal(Loss):
    gamma: float = number(2.0, minimum=0)
    class_weights: tuple[float, ...] = numbers(())
    ignored: int | None = ignored_label()

    def output_problem(self, output):
        if not output or output[-1] < 2:
            return expected("the model to end in (classes,), at least 2", describe(output), "end it in linear")
        if self.class_weights and len(self.class_weights) != output[-1]:
            return expected(f"{output[-1]} class_weights, one a class", len(self.class_weights))
        return None

    def target_problem(self, output, targets):
        return label_problem(output, targets, self.ignored)

    def element_shape(self, output):
        return output[:-1]

    def elementwise(self, output, targets, gradient):
        log_y = log_softmax(output)
        labels = usable(targets, self.ignored)[..., None]
        entropy = -np.take_along_axis(log_y, labels, axis=-1)
        missing = -np.expm1(-entropy)
        share = missing ** self.gamma
        if gradient is not None:
            ratio = np.divide(entropy, missing, out=np.ones_like(entropy), where=missing > 0)  # tends to 1
            np.exp(log_y, out=gradient)
            np.put_along_axis(gradient, labels, -missing, axis=-1)
            gradient *= share * (1 + self.gamma * (1 - missing) * ratio)
        return (share * entropy)[..., 0]

    def element_weights(self, targets):
        return label_weights(targets, self.class_weights, self.ignored)

    @classmethod
    def cases(cls):
        yield Case(cls(), (4,), np.array([0, 3, 1]))
        yield Case(cls(gamma=0.5), (2,), np.array([1]))
        yield Case(cls(gamma=1.0, class_weights=(0.5, 2.0, 1.0), ignored=-1), (2, 3), np.array([[0, -1], [2, 1]]))
