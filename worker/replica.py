"""The parameters and the optimizer's state, double-buffered.

1. A step reads the current buffer and writes the next one; `commit` swaps them. Until then the current
   one is whole, whatever becomes of the step.
2. The update runs in blocks that stay in the cache; it is elementwise, so blocks change no bit.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.arena import Layout, Vector
from bpcore.optimizers import Optimizer

BLOCK = 16384  # numbers; 64 KiB in float32


@dataclass
class Buffer:
    """One whole set: parameters, and the optimizer's vectors by name."""

    parameters: Vector
    state: dict[str, Vector]

    @classmethod
    def zeros(cls, layout: Layout, optimizer: Optimizer) -> "Buffer":
        return cls(layout.zeros(), {name: layout.zeros() for name in optimizer.state})

    def vectors(self) -> dict[str, Vector]:
        """Everything that a checkpoint holds: `parameters` and each of the optimizer's vectors."""
        return {"parameters": self.parameters, **self.state}


class Replica:
    def __init__(self, layout: Layout, optimizer: Optimizer):
        self.optimizer = optimizer
        self.current, self._next = (Buffer.zeros(layout, optimizer) for _ in range(2))

    def update(self, step: int, gradient_sum: Vector, count: float) -> None:
        """Writes the next buffer. `step` counts from 0; `count`: what the global loss sum is divided by."""
        old, new = self.current, self._next
        for start in range(0, gradient_sum.flat.size, BLOCK):
            block = slice(start, start + BLOCK)
            self.optimizer.update(
                step + 1, gradient_sum.flat[block] / np.float32(count),
                old.parameters.flat[block], {name: vector.flat[block] for name, vector in old.state.items()},
                new.parameters.flat[block], {name: vector.flat[block] for name, vector in new.state.items()})

    def commit(self) -> None:
        self.current, self._next = self._next, self.current
