"""kl_divergence: Σ_c t_c (log t_c − log q_c), from the model's distribution q to the target t, over the last axis.

Output: (…, classes), plain scores (q = softmax), or log q itself with `from_logits: false`, for a model that
ends in log_softmax. t: the same shape, each row a distribution; 0 log 0 = 0. d/dz = q Σt − t for scores,
−t for log q. Differs from softmax_cross_entropy by the target's own entropy, so that its least is 0.

Source: Kullback & Leibler, "On information and sufficiency", Annals of Mathematical Statistics 22 (1951).
"""

from dataclasses import dataclass

import numpy as np

from bpcore.attributes import flag
from bpcore.errors import expected
from bpcore.losses import Case, Loss
from bpcore.numerics.logits import log_softmax
from bpcore.numerics.targets import described, matched
from bpcore.shapes import describe


@dataclass(frozen=True)
class KlDivergence(Loss):
    from_logits: bool = flag(True)

    def output_problem(self, output):
        if not output or output[-1] < 2:
            return expected("the model to end in (classes,), at least 2", describe(output), "end it in linear")
        return None

    def target_problem(self, output, targets):
        if targets.integer or targets.shape != output:
            return expected(f"distributions {describe(output)}", described(targets))
        return None

    def element_shape(self, output):
        return output[:-1]

    def elementwise(self, output, targets, gradient):
        t = matched(targets, output)
        log_q = log_softmax(output) if self.from_logits else output
        if gradient is not None and self.from_logits:
            np.exp(log_q, out=gradient)
            gradient *= t.sum(axis=-1, keepdims=True)
            gradient -= t
        elif gradient is not None:
            np.negative(t, out=gradient)
        log_t = np.log(t, out=np.zeros_like(t), where=t != 0)
        return (t * (log_t - log_q)).sum(axis=-1)

    @classmethod
    def cases(cls):
        yield Case(cls(), (3,), np.array([[0.2, 0.5, 0.3], [1.0, 0.0, 0.0]]))
        yield Case(cls(from_logits=False), (2, 2), np.array([[[0.9, 0.1], [0.5, 0.5]]]))
        yield Case(cls(), (1, 2), np.array([[[0.0, 1.0]]]))
