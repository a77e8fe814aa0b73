"""Losses, one a file. A loss is a sum and a count; the mean is taken once, over the global batch.

1. `evaluate` returns (sum over the samples given, what to divide by): never a mean, so that shards of
   any size add up exactly.
2. The gradient it writes is that of the sum; the update divides by the global count.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bpcore.registry import Registry
from bpcore.shapes import Shape


@dataclass(frozen=True)
class Targets:
    """What is known of the targets before training: one sample's shape, and for labels their number."""

    shape: Shape
    integer: bool
    classes: int = 0


@dataclass(frozen=True)
class Case:
    """One input for the gradient check. `targets`: (n, …)."""

    loss: "Loss"
    output: Shape
    targets: np.ndarray


@dataclass(frozen=True)
class Loss:
    """The base class."""

    def output_problem(self, output: Shape) -> str | None:
        """What is wrong with the model's output shape, or None."""
        raise NotImplementedError

    def target_problem(self, output: Shape, targets: Targets) -> str | None:
        """What is wrong with the targets for that output, or None."""
        raise NotImplementedError

    def evaluate(self, output: np.ndarray, targets: np.ndarray, gradient: np.ndarray | None) -> tuple[float, float]:
        """(loss sum, count). output: (n, *shape); writes d sum / d output into `gradient` unless None."""
        raise NotImplementedError

    @classmethod
    def cases(cls) -> Iterator[Case]:
        """Inputs for the gradient check; at least one."""
        raise NotImplementedError


LOSSES: Registry[Loss] = Registry("loss", __name__, Loss)
