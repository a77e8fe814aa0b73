"""The parameters and the optimizer's state, double-buffered.

A step reads the current buffer and writes the next one; `commit` swaps them. Until then the current one is
whole, whatever becomes of the step.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.arena import Layout, Vector
from bpcore.update import Pace, Updater


@dataclass
class Buffer:
    """One whole set: parameters, and the updater's vectors by name."""

    parameters: Vector
    state: dict[str, Vector]

    @classmethod
    def zeros(cls, layout: Layout, updater: Updater) -> "Buffer":
        return cls(layout.zeros(), {name: layout.zeros() for name in updater.state})

    def flat_state(self) -> dict[str, np.ndarray]:
        return {name: vector.flat for name, vector in self.state.items()}

    def vectors(self) -> dict[str, Vector]:
        """Everything that a checkpoint holds: `parameters` and each of the updater's vectors."""
        return {"parameters": self.parameters, **self.state}


class Replica:
    def __init__(self, layout: Layout, updater: Updater):
        self._updater = updater
        self.current, self._next = (Buffer.zeros(layout, updater) for _ in range(2))

    @property
    def evaluated(self) -> Vector:
        """The parameters that evaluation uses."""
        return self._updater.evaluated(self.current.parameters, self.current.state)

    def update(self, pace: Pace, gradient_sum: Vector) -> None:
        """Writes the next buffer."""
        old, new = self.current, self._next
        self._updater.update(pace, gradient_sum.flat, old.parameters.flat, old.flat_state(), new.parameters.flat, new.flat_state())

    def commit(self) -> None:
        self.current, self._next = self._next, self.current
