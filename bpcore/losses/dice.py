"""dice: 1 − (2 Σ p t + s) / (Σ p + Σ t + s), for masks of a few pixels among many.

z: (…, channels), p = σ(z), t: the same shape, in [0, 1]. The sums run over all axes but the last; the loss of a
sample is the mean over its channels. A sample counts 1, however many pixels it has, so weights are of
samples (n,): a pixel can't be left out. With I = Σ p t and U = Σ p + Σ t:
d/dz = p (1 − p) (2 I + s − 2 t (U + s)) / (U + s)² / channels. s: `smooth`, which keeps empty masks finite. The
sigmoid is part of the loss.

Source: Milletari et al., "V-Net", 3DV 2016, section 3, with plain instead of squared sums below as in
Drozdzal et al., "The importance of skip connections in biomedical image segmentation", DLMIA 2016.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.attributes import number
from bpcore.errors import expected
from bpcore.losses import Case, Loss
from bpcore.numerics.logits import sigmoid
from bpcore.numerics.targets import matched, yes_no_problem
from bpcore.shapes import describe


@dataclass(frozen=True)
class Dice(Loss):
    smooth: float = number(1.0, above=0)

    def output_problem(self, output):
        if len(output) < 2:
            return expected("the model to end in (…, channels) with axes to sum over", describe(output),
                            "give masks a channel axis, such as [28, 28, 1]")
        return None

    def target_problem(self, output, targets):
        return yes_no_problem(output, targets)

    def element_shape(self, output):
        return ()

    def elementwise(self, output, targets, gradient):
        p, t = sigmoid(output), matched(targets, output)
        axes = tuple(range(1, output.ndim - 1))
        both = 2 * (p * t).sum(axis=axes, keepdims=True) + self.smooth
        either = (p + t).sum(axis=axes, keepdims=True) + self.smooth
        if gradient is not None:
            np.multiply(p * (1 - p), (both - 2 * t * either) / np.square(either), out=gradient)
            gradient /= output.shape[-1]
        return (1 - both / either).mean(axis=(*axes, -1))

    @classmethod
    def cases(cls):
        yield Case(cls(), (2, 3, 1), np.array([[[0, 1, 1], [0, 0, 1]], [[0, 0, 0], [0, 0, 0]]]))
        yield Case(cls(smooth=0.1), (4, 2), np.array([[[0, 1], [1, 1], [0, 1], [0.5, 0]]]))
        yield Case(cls(), (1, 1, 1), np.array([[[[1]]]]))
