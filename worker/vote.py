"""The vote: one small sum over ranks at each step boundary, in which all that they must agree on rides.

1. Each shard has a row of its own in it, filled by one rank and zero elsewhere, so the sum is exact; rows are then
   added in the exchange's tree.
2. So do flags, the tallies of samples, and the seconds that each rank took. Sums of keys stay below 2^53: exact.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from bpcore import kernels
from worker.comm import Comm
from worker.reduction.tree import additions
from worker.tally import MODULUS, NONE, Tally


class Flags(NamedTuple):
    """What a rank asks of all. `join`: take in the newcomers; `heal`: start some; `leave`: without an end;
    `discard`: what was done since the last checkpoint, when stopping."""

    stop: bool = False
    checkpoint: bool = False
    join: bool = False
    heal: bool = False
    leave: bool = False
    discard: bool = False

    @property
    def ends(self) -> bool:
        """Whether the ranks do no further step."""
        return self.stop or self.leave


FLAGS = len(Flags._fields)
NO_FLAGS = Flags()


@dataclass(slots=True)
class Vote:
    """What all ranks agreed on at a step boundary. `row`: global sums of loss, count, metrics; `flags`: what any
    rank asks; `used`: the samples of the step; `seconds`: each rank's; `committed`: whether the step counts."""

    row: np.ndarray
    flags: Flags
    used: Tally
    seconds: Sequence[float]
    committed: bool = False


class Voter:
    """`width`: of a row. What a vote is written to and read from is made once."""

    def __init__(self, comm: Comm, shards: int, width: int):
        self._comm, behind = comm, shards * width
        # Behind the rows: flags, a tally, and each rank's seconds.
        self._ballot = np.zeros(behind + FLAGS + 2 + comm.size)
        self._flags, self._tally, self._seconds = map(memoryview, np.split(self._ballot[behind:], [FLAGS, FLAGS + 2]))
        self._table = self._ballot[:shards * width].reshape(shards, width)
        pairs, self._sum = additions((0, shards), {(shard, shard + 1): row for shard, row in enumerate(self._table)})
        adds = [kernels.sums.add.bound(left.dtype, left, right) for left, right in pairs]
        self._calls = kernels.program.fused([comm.summing(self._ballot), *adds])

    def vote(self, rows: Mapping[int, np.ndarray], flags: Flags = NO_FLAGS, used: Tally = NONE, seconds: float = 0.0) -> Vote:
        self._ballot.fill(0)
        for shard, row in rows.items():
            self._table[shard] = row
        if flags is not NO_FLAGS:
            for i, wish in enumerate(flags):
                self._flags[i] = wish
        self._tally[0], self._tally[1] = used
        self._seconds[self._comm.rank] = seconds
        self._run()
        self._comm.settle(self._run)
        asked, (count, keys) = self._flags.tolist(), self._tally
        return Vote(self._sum.copy(), Flags(*[wish > 0 for wish in asked]) if any(asked) else NO_FLAGS, (int(count), int(keys) % MODULUS),
                    self._seconds.tolist())

    def _run(self) -> None:
        for call in self._calls:
            call()
