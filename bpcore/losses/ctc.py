"""ctc: −log Σ_π Π_t p_t(π_t), over all paths π of a label a step that collapse to the target.

Connectionist temporal classification, for targets shorter than the output. z: (steps, classes), p = softmax(z).
Labels: integers (L,), padded behind with −1 to the longest; one class, `blank`, stands for no label. A
path collapses by joining repeats, then dropping blanks.

The paths walk through the states blank, l₁, blank, l₂, … blank: stay, go on by one, or by two past a blank
between different labels. With γ_t(s), the share of their probability that is in state s at step t:
d/dz_t,k = p_t,k − Σ_{s: label k} γ_t(s). γ comes from a walk forward and one backward, in logarithms, each step
relative to its largest state, so that neither long nor unlikely sequences underflow.

A target longer than the steps allow has no path: its loss is infinite, or with `zero_infinity` 0, as its
gradient. Every sample counts 1, whatever its length.

Source: Graves et al., "Connectionist temporal classification", ICML 2006, sections 3 and 4.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.attributes import flag, integer
from bpcore.errors import expected
from bpcore.losses import Case, Loss
from bpcore.numerics.logits import log_softmax
from bpcore.numerics.targets import described
from bpcore.shapes import describe


@dataclass(frozen=True)
class Ctc(Loss):
    blank: int = integer(0)
    zero_infinity: bool = flag(False)

    def output_problem(self, output):
        if len(output) != 2 or output[1] < 2:
            return expected("the model to end in (steps, classes), at least 2 classes", describe(output))
        if self.blank >= output[1]:
            return expected(f"a blank in 0 … {output[1] - 1}", self.blank)
        return None

    def target_problem(self, output, targets):
        if not targets.integer or len(targets.shape) != 1:
            return expected("integer labels (L,), padded with -1", described(targets))
        if targets.lowest < -1 or self.blank in (targets.lowest, targets.classes - 1):
            came = targets.lowest if targets.lowest < -1 else self.blank
            return expected(f"labels that are not the blank {self.blank}, and -1 behind shorter ones", came)
        if targets.classes > output[1]:
            return expected(f"labels 0 … {output[1] - 1}, as the model ends in {output[1]} classes", targets.classes - 1)
        if targets.shape[0] > output[0] and not self.zero_infinity:
            return expected(f"at most {output[0]} labels, as there are {output[0]} steps", targets.shape[0],
                            "let the model keep more steps")
        return None

    def element_shape(self, output):
        return ()

    @np.errstate(invalid="ignore")  # logaddexp says what a NaN is, and hands it on
    def elementwise(self, output, targets, gradient):
        log_p = log_softmax(output)
        labels, enter, leave, skip = self._states(targets, output.dtype)
        emitted = np.take_along_axis(log_p, labels[:, None], axis=-1).transpose(1, 0, 2)
        forward, total = _walk(emitted, enter, skip)
        losses = -(total + np.logaddexp.reduce(forward[-1] + leave, axis=-1))
        impossible = np.isposinf(losses)
        if gradient is not None:
            backward, _ = _walk(emitted[::-1, :, ::-1], leave[:, ::-1], skip[:, ::-1])
            forward += backward[::-1, :, ::-1]
            forward -= emitted  # which both walks hold
            self._write(gradient, log_p, _shares(forward).transpose(1, 0, 2), labels)
            if self.zero_infinity:
                gradient[impossible] = 0
        return np.where(impossible, 0, losses).astype(output.dtype) if self.zero_infinity else losses

    def _states(self, targets: np.ndarray, dtype: np.dtype) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """(n, 2 L + 1): each state's label; 0 where one may enter, leave, (n, 2 L − 1) skip a state, else −∞."""
        n, longest = targets.shape
        labels = np.full((n, 2 * longest + 1), self.blank)
        labels[:, 1::2] = np.where(targets >= 0, targets, self.blank)
        place, last = np.arange(2 * longest + 1), 2 * (targets >= 0).sum(axis=1, keepdims=True)
        enter = np.broadcast_to(place <= 1, labels.shape)
        leave = (place == last) | (place == last - 1)
        skip = labels[:, 2:] != labels[:, :-2]  # never from blank to blank
        return labels, *(np.where(may, 0, -np.inf).astype(dtype) for may in (enter, leave, skip))

    def _write(self, gradient: np.ndarray, log_p: np.ndarray, shares: np.ndarray, labels: np.ndarray) -> None:
        np.exp(log_p, out=gradient)
        gradient[:, :, self.blank] -= shares[:, :, ::2].sum(axis=-1)
        samples = np.arange(len(gradient))
        for state in range(1, labels.shape[1], 2):  # one label may have several states
            gradient[samples, :, labels[:, state]] -= shares[:, :, state]

    @classmethod
    def cases(cls):
        yield Case(cls(), (6, 4), np.array([[1, 2, -1], [3, 3, 1], [2, -1, -1], [-1, -1, -1]]))
        yield Case(cls(blank=2), (5, 3), np.array([[0, 1], [1, 1]]))
        yield Case(cls(zero_infinity=True), (2, 3), np.array([[1, 1], [2, 1]]))
        yield Case(cls(), (1, 2), np.array([[1]]))


def _walk(emitted: np.ndarray, enter: np.ndarray, skip: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """log Σ over the paths into each state (steps, n, states), relative to each step's largest; their sum (n,)."""
    scores, total = np.empty_like(emitted), np.zeros_like(emitted, shape=emitted.shape[1])
    scores[0] = enter
    for step, now in enumerate(scores):
        if step:
            before = scores[step - 1]
            now[...] = before
            np.logaddexp(now[:, 1:], before[:, :-1], out=now[:, 1:])
            np.logaddexp(now[:, 2:], before[:, :-2] + skip, out=now[:, 2:])
        now += emitted[step]
        top = now.max(axis=-1)
        now -= top[:, None]
        total += top
    return scores, total


def _shares(scores: np.ndarray) -> np.ndarray:
    """e^scores over their sum along the last axis; 0 where there is no path at all."""
    top = scores.max(axis=-1, keepdims=True)
    scores -= np.where(np.isneginf(top), 0, top)
    np.exp(scores, out=scores)
    scores /= np.maximum(scores.sum(axis=-1, keepdims=True), np.finfo(scores.dtype).tiny)
    return scores
