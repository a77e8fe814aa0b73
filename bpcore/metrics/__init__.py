"""Metrics, one a file. A metric is a few sums; its value is computed from them once, globally."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bpcore.losses import Targets
from bpcore.registry import Registry
from bpcore.shapes import Shape


@dataclass(frozen=True)
class Case:
    """One worked example: outputs and targets of a batch, and the value by hand."""

    metric: "Metric"
    output: np.ndarray
    targets: np.ndarray
    value: float


@dataclass(frozen=True)
class Metric:
    """The base class. `width`: how many sums it keeps."""

    width: ClassVar[int] = 2

    def target_problem(self, output: Shape, targets: Targets) -> str | None:
        """What is wrong with output and targets, or None."""
        raise NotImplementedError

    def sums(self, output: np.ndarray, targets: np.ndarray) -> tuple[float, ...]:
        """`width` sums over the samples given; sums of two batches add up to those of both."""
        raise NotImplementedError

    def value(self, sums: np.ndarray) -> float:
        """The metric from the global sums, shape (width,)."""
        return float(sums[0] / sums[1])

    @classmethod
    def cases(cls) -> Iterator[Case]:
        """Worked examples; at least one."""
        raise NotImplementedError


METRICS: Registry[Metric] = Registry("metric", __name__, Metric)
