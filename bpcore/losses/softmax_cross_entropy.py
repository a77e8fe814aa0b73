"""softmax_cross_entropy: −Σ_c t_c log softmax(z)_c, over the last axis.

z: (…, classes). The target is a label in [0, classes) for each place, or a distribution over the classes.
d/dz = softmax(z) Σt − t. The softmax is part of the loss: the model ends in plain scores (logits).
Computed from z − max z, which overflows nowhere.

smoothing ε: t ← (1 − ε) t + ε / classes (Szegedy et al., "Rethinking the Inception architecture", CVPR
2016, section 7). class_weights w: t_c ← w_c t_c, behind the smoothing, and an element counts as much as its
label's weight in what the sum is divided by; all as in PyTorch. ignored: elements with this label count
nothing (negative labels need it).
"""

from dataclasses import dataclass

import numpy as np

from bpcore import kernels
from bpcore.attributes import number, numbers
from bpcore.errors import expected
from bpcore.losses import Case, Loss
from bpcore.memory import rows
from bpcore.numerics.targets import ignored_label, label_problem, label_weights, usable
from bpcore.shapes import describe


@dataclass(frozen=True)
class SoftmaxCrossEntropy(Loss):
    smoothing: float = number(0.0, minimum=0, below=1)
    class_weights: tuple[float, ...] = numbers(())
    ignored: int | None = ignored_label()

    def output_problem(self, output):
        if not output or output[-1] < 2:
            return expected("the model to end in (classes,), at least 2", describe(output), "end it in linear")
        if self.class_weights and len(self.class_weights) != output[-1]:
            return expected(f"{output[-1]} class_weights, one a class", len(self.class_weights))
        return None

    def target_problem(self, output, targets):
        if not targets.integer and targets.shape == output:
            return expected("integer labels for class_weights and ignored", "distributions") if self._by_label else None
        return label_problem(output, targets, self.ignored, otherwise=f" or distributions {describe(output)}")

    @property
    def _by_label(self) -> bool:
        return bool(self.class_weights) or self.ignored is not None

    def element_shape(self, output):
        return output[:-1]

    def elementwise(self, output, targets, gradient):
        losses, wanted = np.empty(output.shape[:-1], output.dtype), self._distribution(output, targets)
        into = np.empty((0, output.shape[-1]) if gradient is None else output.shape, output.dtype)
        if gradient is not None and gradient.flags.c_contiguous:
            into = gradient
        if wanted is None:
            labels = usable(targets, self.ignored).astype(np.int64, copy=False)
            kernels.cross_entropy.of_labels(rows(output), np.ravel(labels), rows(into), losses.reshape(-1))
        else:
            kernels.cross_entropy.of_distributions(rows(output), rows(wanted), rows(into), losses.reshape(-1))
        if gradient is not None and into is not gradient:
            gradient[...] = into
        return losses

    def element_weights(self, targets):
        return label_weights(targets, (), self.ignored)

    def element_counts(self, targets):
        return label_weights(targets, self.class_weights, self.ignored)

    def _distribution(self, output: np.ndarray, targets: np.ndarray) -> np.ndarray | None:
        """The targets as distributions, smoothed and weighted; None where they are plain labels."""
        if targets.ndim == output.ndim:
            wanted = targets.astype(output.dtype, copy=False)
        elif self.smoothing or self.class_weights:
            wanted = np.zeros_like(output)
            np.put_along_axis(wanted, usable(targets, self.ignored)[..., None], 1, axis=-1)
        else:
            return None
        if self.smoothing:
            wanted = wanted * (1 - self.smoothing) + self.smoothing / output.shape[-1]
        return wanted * np.asarray(self.class_weights, wanted.dtype) if self.class_weights else wanted

    @classmethod
    def cases(cls):
        yield Case(cls(), (4,), np.array([0, 3, 1]))
        yield Case(cls(), (2,), np.array([1]))
        yield Case(cls(smoothing=0.1), (3,), np.array([2, 0]))
        yield Case(cls(class_weights=(0.5, 2.0, 1.0), ignored=-1), (2, 3), np.array([[0, -1], [2, 1]]))
        yield Case(cls(smoothing=0.2, class_weights=(0.5, 0.0, 3.0)), (3,), np.array([0, 1, 2]))
        yield Case(cls(), (3,), np.array([[0.2, 0.5, 0.3], [1.0, 0.0, 0.0]]))
