"""Optimizers on the flat arena, one a file.

1. An update is elementwise: any slice of the flat vectors can be updated by itself, by anyone, with the
   same bits.
2. It reads one set of arrays and writes another: until the commit, the old parameters are whole.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from bpcore.registry import Registry

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Optimizer:
    """The base class."""

    @property
    def state(self) -> tuple[str, ...]:
        """Names of the vectors kept beside the parameters; all start at zero."""
        raise NotImplementedError

    def update(self, step: int, gradient: np.ndarray, p: np.ndarray, state: Arrays,
               new_p: np.ndarray, new_state: Arrays) -> None:
        """One step on a slice. Arrays are of one shape (k,) and dtype.

        `step` counts from 1. `gradient` is the mean over the global batch. Reads `p` and `state`, writes
        `new_p` and `new_state`.
        """
        raise NotImplementedError

    @classmethod
    def cases(cls) -> Iterator["Optimizer"]:
        """Instances that the suite runs; at least one."""
        raise NotImplementedError


OPTIMIZERS: Registry[Optimizer] = Registry("optimizer", __name__, Optimizer)
