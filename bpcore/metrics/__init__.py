"""Metrics, one a file. A metric is a few sums; its value is computed from them once, globally."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from bpcore.fields import Field
from bpcore.registry import Registry
from bpcore.shapes import Shape


@dataclass(frozen=True)
class Case:
    """One worked example: outputs, targets and weights of a batch, and the value by hand."""

    metric: "Metric"
    output: np.ndarray
    targets: np.ndarray
    value: float
    weights: np.ndarray | None = None


@dataclass(frozen=True)
class Metric:
    """The base class."""

    def width(self, output: Shape) -> int:
        """How many sums it keeps."""
        return 2


    def target_problem(self, output: Shape, targets: Field) -> str | None:
        """What is wrong with output and targets, or None."""
        raise NotImplementedError

    def sums(self, output: np.ndarray, targets: np.ndarray, weights: np.ndarray | None) -> Sequence[float]:
        """`width` sums over the samples given; sums of two batches add up to those of both.

        weights: (n, …), leading axes of the targets; None: 1.
        """
        raise NotImplementedError

    def value(self, sums: np.ndarray) -> float:
        """The metric from the global sums, shape (width,)."""
        return float(sums[0] / sums[1]) if sums[1] else float("nan")

    @classmethod
    def cases(cls) -> Iterator[Case]:
        """Worked examples; at least one."""
        raise NotImplementedError


def weighted(hits: np.ndarray, weights: np.ndarray | None) -> tuple[float, float]:
    """(weighted sum of `hits`, sum of the weights): what most metrics keep. hits: (n, …)."""
    if weights is None:
        return float(hits.sum(dtype=np.float64)), float(hits.size)
    widened = np.broadcast_to(weights.reshape(weights.shape + (1,) * (hits.ndim - weights.ndim)), hits.shape)
    return float((np.where(widened != 0, hits, 0) * widened).sum(dtype=np.float64)), float(widened.sum(dtype=np.float64))


METRICS: Registry[Metric] = Registry("metric", __name__, Metric)
