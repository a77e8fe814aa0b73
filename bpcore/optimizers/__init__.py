"""Optimizers on the flat arena, one a file. An optimizer says in which direction to go; how far, and what
regularisation adds, is bpcore/update.py's.

1. A direction is elementwise: any slice of the flat vectors can be computed by itself, by anyone, with the
   same bits. What needs a parameter's norm says so (`trust`), and is given it.
2. It reads one set of arrays and writes another: until the commit, the old state is whole.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from bpcore.attributes import number
from bpcore.registry import Registry

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Optimizer:
    """The base class: p ← p − η d, with η the scheduled learning rate and d the direction."""

    learning_rate: float = number(0.001, minimum=0)

    @property
    def state(self) -> tuple[str, ...]:
        """Names of the vectors kept beside the parameters; all start at zero."""
        return ()

    @property
    def decay(self) -> float:
        """Decoupled weight decay of its own: d ← d + decay · p."""
        return 0.0

    def direction(self, step: int, gradient: np.ndarray, p: np.ndarray, state: Arrays, new_state: Arrays,
                  out: np.ndarray) -> None:
        """Writes d for a slice into `out`. Arrays are of one shape (k,) and dtype.

        `step` counts from 1. `gradient` is the mean over the global batch, regularised and clipped. Reads
        `p` and `state`, writes `new_state` and `out`, which overlaps nothing.
        """
        raise NotImplementedError

    @property
    def uses_trust(self) -> bool:
        """Whether `trust` is asked, for each step and each parameter of two axes or more: the norm of a bias, or
        of a scale, says little about how far it should go."""
        return False

    def trust(self, p_norm: float, direction_norm: float) -> float:
        """What a parameter's direction is multiplied by (LARS, LAMB). Norms are Euclidean."""
        return 1.0

    @classmethod
    def cases(cls) -> Iterator["Optimizer"]:
        """Instances that the suite runs; at least one."""
        raise NotImplementedError


OPTIMIZERS: Registry[Optimizer] = Registry("optimizer", __name__, Optimizer)
