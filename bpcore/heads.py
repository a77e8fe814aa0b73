"""A head of a plan: memory that a batch's targets and weights are put into, and the loss bound to that."""

from collections.abc import Callable

import numpy as np

from bpcore.fields import Batch
from bpcore.spec import Head


class BoundHead:
    """`gradient`: of the loss with respect to the head's `output`; written in training."""

    def __init__(self, head: Head, output: np.ndarray, gradient: np.ndarray):
        self._head, self._output, self.gradient = head, output, gradient
        self._targets: np.ndarray | None = None
        self._weights: np.ndarray | None = None

    def sums(self, batch: Batch, training: bool) -> list[float]:
        """The loss sum and count of the outputs, then each metric's sums."""
        head, weights = self._head, None
        targets = _put(batch[head.target], self._targets)
        if head.weight:
            weights = _put(batch[head.weight], self._weights)
        if targets is not self._targets or weights is not self._weights:
            self._bind(targets, weights)
        sums = [*(self._train if training else self._evaluate)()]
        for metric in head.metrics.values():
            sums.extend(metric.sums(self._output, targets, weights))  # not +=, which an array takes for a sum
        return sums

    def _bind(self, targets: np.ndarray, weights: np.ndarray | None) -> None:
        self._targets, self._weights, loss = targets, weights, self._head.loss
        self._train: Callable[[], tuple[float, float]] = loss.bound(self._output, targets, weights, self.gradient)
        self._evaluate: Callable[[], tuple[float, float]] = loss.bound(self._output, targets, weights, None)


def _put(came: np.ndarray, into: np.ndarray | None) -> np.ndarray:
    """What came, in memory that is there, or in new memory where it does not fit."""
    if into is None or into.shape != came.shape or into.dtype != came.dtype:
        return np.array(came, order="C")
    into[...] = came
    return into
