"""policy_gradient: −A log π(a), or its clipped form, minus an entropy bonus; π = softmax over the last axis.

z: (…, actions), plain scores. t: (…, k) numbers: the action a taken, its advantage A and, for `ppo`, the
log-probability it had when it was taken; further numbers are not looked at.

form a2c:  −A log π(a)                                       d/dz = A (π − onehot(a))
form ppo:  −min(r A, clip(r, 1 − c, 1 + c) A), r = π(a) / π_old(a)   d/dz = r A (π − onehot(a)), 0 where clipped

entropy_coefficient e: the loss gets − e H, H = −Σ π log π; d/dz gets e π (log π + H). An action that is none of
0 … actions − 1 makes the loss not a number, which stops the training. The value head is a loss of its
own beside this one: mse or huber on the returns, with its scale.

Sources: Mnih et al., "Asynchronous methods for deep reinforcement learning", ICML 2016, section 4; Schulman
et al., "Proximal policy optimization algorithms", arXiv 1707.06347, equations 7 and 9.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.attributes import choice, number
from bpcore.errors import expected
from bpcore.losses import Case, Loss
from bpcore.numerics.logits import log_softmax
from bpcore.numerics.targets import described
from bpcore.shapes import describe


@dataclass(frozen=True)
class PolicyGradient(Loss):
    form: str = choice("a2c", "ppo")
    clip_range: float = number(0.2, above=0, below=1)
    entropy_coefficient: float = number(0.0, minimum=0)

    def output_problem(self, output):
        if not output or output[-1] < 2:
            return expected("the model to end in (actions,), at least 2", describe(output), "end it in linear")
        return None

    def target_problem(self, output, targets):
        names = ["action", "advantage"] + ["old log-probability"] * (self.form == "ppo")
        fits = len(targets.shape) == len(output) and targets.shape[:-1] == output[:-1] and targets.shape[-1] >= len(names)
        if targets.integer or not fits:
            wants = f"numbers {describe((*output[:-1], len(names)))}: {', '.join(names)}"
            return expected(wants, described(targets))
        return None

    def element_shape(self, output):
        return output[:-1]

    def elementwise(self, output, targets, gradient):
        log_p = log_softmax(output)
        taken = targets[..., :1] == np.arange(output.shape[-1])
        log_taken = np.where(taken.any(axis=-1), log_p.sum(axis=-1, where=taken), np.nan).astype(output.dtype)
        losses, pull = self._surrogate(log_taken, targets.astype(output.dtype, copy=False))
        p = np.exp(log_p)
        entropy = -(p * log_p).sum(axis=-1)
        if gradient is not None:
            np.multiply(pull[..., None], p - taken, out=gradient)
            gradient += self.entropy_coefficient * p * (log_p + entropy[..., None])
        return losses - self.entropy_coefficient * entropy

    def _surrogate(self, log_taken: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The loss without its bonus, and minus its derivative with respect to log π(a)."""
        advantage = targets[..., 1]
        if self.form == "a2c":
            return -advantage * log_taken, advantage
        ratio = np.exp(log_taken - targets[..., 2])
        plain = ratio * advantage
        clipped = np.clip(ratio, 1 - self.clip_range, 1 + self.clip_range) * advantage
        return -np.minimum(plain, clipped), np.where(plain <= clipped, plain, 0)

    @classmethod
    def cases(cls):
        yield Case(cls(), (4,), np.array([[0, 1.5], [3, -0.5], [1, 0]]))
        yield Case(cls(form="ppo"), (3,), np.array([[0, 1.0, -1.1], [2, -2.0, -0.3], [1, 0.7, -3.0], [1, -0.4, -2.5]]))
        both = cls(form="ppo", clip_range=0.05, entropy_coefficient=0.1)
        yield Case(both, (2, 2), np.array([[[0, 1.0, -0.7], [1, -1.0, -0.7]]]))
        yield Case(cls(entropy_coefficient=0.5), (2,), np.array([[1, 2.0, 9.0]]))
