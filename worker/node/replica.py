"""The parameters and the optimizer's state, one copy a node, double-buffered.

1. A step reads the current buffer and writes the next one, each rank its part; `commit` swaps them. Until
   then the current one is whole, whatever becomes of the step.
2. All ranks of a node map the same segment. What it holds stands in one word, written in one piece: how many
   steps are done, and which buffer that is. Each buffer has beside it which samples its epoch has used.
3. The keeper holds the segment, so it outlives the ranks.

    head     the word, the tallies of both buffers, the deadline, the ranks' marks (status.py)
    ledger   the newest rows of the curve (ledger.py)
    buffers  twice: the parameters and each of the updater's vectors
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bpcore.arena import Layout, Vector
from bpcore.optimization.update import EPOCH_START, Updater
from worker.node import keeper, ledger
from worker.node.ledger import Ledger
from worker.node.memory import PAGE_BYTES, Segment
from worker.shards import Schedule
from worker.tally import NONE, Tally

HEAD_BYTES = keeper.ROWS_BYTE + keeper.ROWS * keeper.ROW.size


@dataclass
class Buffer:
    """One whole set: parameters, and the updater's vectors by name."""

    parameters: Vector
    state: dict[str, Vector]

    @classmethod
    def zeros(cls, layout: Layout, updater: Updater) -> "Buffer":
        """In memory of its own."""
        return cls(layout.zeros(), {name: layout.zeros() for name in updater.state})

    def like(self) -> "Buffer":
        """A copy in memory of its own. Not of one moment, while the training goes on."""
        zeros = self.parameters.layout.zeros
        made = Buffer(zeros(), {name: zeros() for name in self.state})
        made.copy_from(self)
        return made

    def copy_from(self, other: "Buffer") -> None:
        for mine, theirs in zip(self.vectors().values(), other.vectors().values()):
            np.copyto(mine.flat, theirs.flat)

    @cached_property
    def flat_state(self) -> dict[str, np.ndarray]:
        return {name: vector.flat for name, vector in self.state.items()}

    def vectors(self) -> dict[str, Vector]:
        """Everything that a checkpoint holds: `parameters` and each of the updater's vectors."""
        return {"parameters": self.parameters, **self.state}


class Replica:
    """`width`: of a row of the curve."""

    def __init__(self, layout: Layout, updater: Updater, segment: Segment, width: int):
        self._updater = updater
        # What is read and written in every step by itself, as views of Python's own: they are the fastest for that.
        self._word = memoryview(segment.array(0, 1, np.int64))
        self._used = [memoryview(segment.array(8 + 16 * i, 2, np.int64)) for i in (0, 1)]
        self.ledger = Ledger(segment, HEAD_BYTES, width)
        vectors, start = (1 + len(updater.state)), _buffers_byte(width)
        flats = [segment.array(start + i * layout.size * 4, layout.size, np.float32) for i in range(2 * vectors)]
        self._buffers = [_buffer(layout, updater, flats[i * vectors:(i + 1) * vectors]) for i in (0, 1)]
        self.read()

    def read(self) -> None:
        """Takes over what the segment says, where another rank or an earlier run has written it."""
        word = self._word[0]
        self.steps = (word >> 1) - 1  # −1: nothing is in it
        self._index = word & 1

    @property
    def current(self) -> Buffer:
        return self._buffers[self._index]

    @property
    def next(self) -> Buffer:
        return self._buffers[1 - self._index]

    @property
    def evaluated(self) -> Vector:
        """The parameters that evaluation uses."""
        return self._updater.evaluated(self.current.parameters, self.current.state)

    def epoch_start(self, schedule: Schedule) -> Vector:
        """The parameters that the epoch of the next step began with, where the updater keeps them."""
        return self.current.parameters if schedule.begins_epoch(self.steps) else self.current.state[EPOCH_START]

    @property
    def used(self) -> Tally:
        """The samples that the epoch of the last step has used so far."""
        count, keys = self._used[self._index]
        return count, keys

    def commit(self, used: Tally = NONE) -> None:
        """The next buffer is whole, on every rank of every node: it is the current one now. Each rank says so."""
        self._index = 1 - self._index
        self.set(self.steps + 1, used)

    def set(self, steps: int, used: Tally = NONE) -> None:
        """The current buffer is that of `steps` steps done; −1: of none."""
        self.steps = steps
        marks = self._used[self._index]
        marks[0], marks[1] = used
        self._word[0] = (steps + 1) << 1 | self._index


def size_bytes(layout: Layout, updater: Updater, width: int) -> int:
    return _buffers_byte(width) + 2 * (1 + len(updater.state)) * layout.size * 4


def _buffers_byte(width: int) -> int:
    return -(-(HEAD_BYTES + ledger.size_bytes(width)) // PAGE_BYTES) * PAGE_BYTES


def _buffer(layout: Layout, updater: Updater, flats: list[np.ndarray]) -> Buffer:
    parameters, *state = (Vector(layout, flat) for flat in flats)
    return Buffer(parameters, dict(zip(updater.state, state)))
