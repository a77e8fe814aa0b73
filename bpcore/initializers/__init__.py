"""Initial values of parameters, one scheme a file."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bpcore.registry import Registry


@dataclass(frozen=True)
class Initializer:
    """Fills one parameter."""

    def fill(self, out: np.ndarray, fan_in: int, fan_out: int, rng: np.random.Generator) -> None:
        """Writes initial values into `out` (any shape, float32 or float64).

        `fan_in`, `fan_out`: numbers that feed one output, and outputs that one input feeds.
        """
        raise NotImplementedError

    @classmethod
    def cases(cls) -> Iterator["Initializer"]:
        """Instances that the suite runs; at least one."""
        yield cls()


INITIALIZERS: Registry[Initializer] = Registry("initializer", __name__, Initializer)
