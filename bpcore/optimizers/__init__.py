"""Optimizers on the flat arena, one a file. An optimizer says in which direction to go; how far, and what
regularisation adds, is bpcore/optimization/update.py's.

1. A direction is a formula of one number: any part of the flat vectors can be computed by itself, by anyone,
   with the same bits. What needs a parameter's norm says so (`trust`), and is given it.
2. It is written in operators and NumPy's functions alone, so it is one of arrays, too; bpcore/kernels/descent.py
   makes a loop of it. A number that stands in it would make float64 of float32: they come as `constants`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bpcore.attributes import number
from bpcore.registry import Registry

Number = Any  # one, or an array of them


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

    def constants(self, step: int) -> tuple[float, ...]:
        """What `direction` is given in this step, from 1."""
        return ()

    @staticmethod
    def direction(g: Number, p: Number, state: tuple[Number, ...], constants: tuple[Number, ...]) -> tuple[Number, tuple[Number, ...]]:
        """d, and the new state. g: the mean gradient over the global batch, clipped and regularised; state: in the
        order of `state`.
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
