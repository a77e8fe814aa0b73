"""One block of the flat vector, from the sum of its gradient to its new parameters: elementwise throughout."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bpcore.clipping import Clipper
from bpcore.optimizers import Optimizer
from bpcore.rules import Rule

BLOCK = 32768  # numbers; 128 KiB in float32

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Pace:
    """Of one update. `step` from 1; `count`: what the loss sum is divided by (0: by 1); `samples`: in the global
    batch; `factor`: of the learning rate, from the schedule; `epoch` from 0."""

    step: int
    count: float
    samples: int
    factor: float = 1.0
    epoch: int = 0

    @property
    def divisor(self) -> float:
        """A plain float: NumPy's own would turn float32 into float64."""
        return float(self.count or 1)


class Descent:
    """Holds memory for one block, so that a step takes none."""

    def __init__(self, optimizer: Optimizer, clipper: Clipper):
        self._optimizer, self._clipper = optimizer, clipper
        self._room = np.empty((2, 0))

    def rate(self, rule: Rule, pace: Pace) -> float:
        return float(self._optimizer.learning_rate * pace.factor * rule.learning_rate_scale)

    def step(self, rule: Rule, pace: Pace, scale: float, gradient_sum: np.ndarray, p: np.ndarray, state: Arrays,
             new_state: Arrays, out: np.ndarray) -> bool:
        """Writes p − η d into `out` (where the rule trusts, d alone) and the new state; whether the gradient is finite.

        scale: what clipping by norm multiplies the mean gradient by. Arrays are of one shape (k,) and dtype.
        """
        gradient, zeros = self._memory(p)
        np.divide(gradient_sum, pace.divisor, out=gradient)
        finite = bool(gradient.dot(zeros) == 0)  # what is not finite times 0 is not a number
        self._clipper.by_value(gradient)
        if scale != 1:
            gradient *= scale
        if rule.l1:
            gradient += rule.l1 * np.sign(p)
        if rule.l2:
            gradient += rule.l2 * p
        self._optimizer.direction(pace.step, gradient, p, state, new_state, out)
        if rule.weight_decay:
            out += np.multiply(p, rule.weight_decay, out=gradient)
        if not rule.trusted:
            out *= self.rate(rule, pace)
            np.subtract(p, out, out=out)
        return finite

    def _memory(self, like: np.ndarray) -> np.ndarray:
        """Two arrays of that size: one to work in, and zeros."""
        if self._room.dtype != like.dtype or self._room.shape[1] < like.size:
            self._room = np.zeros((2, max(BLOCK, like.size)), like.dtype)
        return self._room[:, :like.size]
