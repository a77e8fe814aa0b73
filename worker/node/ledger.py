"""The newest rows of the curve, in the node's shared memory: what rank 0 had not yet written down when it died.

Every node's leader writes each row before the commit. After a death the new rank 0 reads what the journal
lacks. A row written twice, for a step that was computed again, has the same bits; the last one counts.
"""

from dataclasses import dataclass

import numpy as np

from worker.node.memory import Segment

TRAIN, EVAL, EPOCH = 0, 1, 2  # the last one is not in a ledger: it follows from the replica
BYTES = 1 << 20


@dataclass(frozen=True)
class Row:
    """`kind`: TRAIN or EVAL; `values`: the vote's sums; `time`: in Unix seconds."""

    kind: int
    step: int
    time: float
    values: np.ndarray


def size_bytes(width: int) -> int:
    return 8 + rows(width) * (3 + width) * 8


def rows(width: int) -> int:
    """How many rows of `width` sums are kept."""
    return max(64, BYTES // ((3 + width) * 8))


class Ledger:
    def __init__(self, segment: Segment, offset_bytes: int, width: int):
        self._count = memoryview(segment.array(offset_bytes, 1, np.int64))
        self._rows = segment.array(offset_bytes + 8, rows(width) * (3 + width), np.float64).reshape(-1, 3 + width)
        self._numbers = memoryview(self._rows.reshape(-1))

    def clear(self) -> None:
        self._count[0] = 0

    def write(self, kind: int, step: int, time: float, values: np.ndarray) -> None:
        """`values`: float64."""
        count, width = self._count[0], 3 + len(values)
        start = count % len(self._rows) * width
        self._numbers[start], self._numbers[start + 1], self._numbers[start + 2] = kind, step, time
        self._numbers[start + 3:start + width] = memoryview(values)
        self._count[0] = count + 1

    def read(self, steps: int) -> list[Row]:
        """The rows of steps below `steps`, each once, in the order of steps; training before evaluation."""
        count = self._count[0]
        found = {}
        for i in range(max(0, count - len(self._rows)), count):
            kind, step, time, *values = self._rows[i % len(self._rows)]
            if step < steps:
                found[int(step), int(kind)] = Row(int(kind), int(step), float(time), np.array(values))
        return [found[key] for key in sorted(found)]
