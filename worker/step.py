"""One step: shards → gradients → exchange → vote → update → commit.

1. Everything that decides bits depends on (seed, step, shard), never on the rank.
2. The vote is one small sum over ranks. Each shard has a row of its own in it, filled by one rank and
   zero elsewhere, so the sum is exact; rows are then added in the exchange's tree.
3. Flags ride in the vote, so that all ranks see them at the same boundary.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bpcore.model import Key, Model
from worker.comm import Comm
from worker.datasets import Dataset
from worker.exchange import Exchange
from worker.exchange.tree import reduce
from worker.replica import Replica
from worker.shards import Schedule, cut


@dataclass(frozen=True)
class Vote:
    """What all ranks agreed on at a step boundary."""

    row: np.ndarray  # global sums: loss, count, metrics
    stop: bool
    checkpoint: bool


class Voter:
    """Sums rows over shards and flags over ranks, in one call."""

    def __init__(self, comm: Comm, shards: int, width: int):
        self._comm, self._shards, self._width = comm, shards, width

    def vote(self, rows: dict[int, np.ndarray], stop: bool = False, checkpoint: bool = False) -> Vote:
        ballot = np.zeros(self._shards * self._width + 2)
        table = ballot[:-2].reshape(self._shards, self._width)
        for shard, row in rows.items():
            table[shard] = row
        ballot[-2:] = stop, checkpoint
        self._comm.sum(ballot)
        leaves = {(shard, shard + 1): row for shard, row in enumerate(table)}
        return Vote(reduce((0, self._shards), leaves, np.add), ballot[-2] > 0, ballot[-1] > 0)


class Stepper:
    """Runs steps on one rank."""

    def __init__(self, model: Model, replica: Replica, exchange: Exchange, voter: Voter, data: Dataset,
                 schedule: Schedule, shards: int, mine: Sequence[int]):
        self.model, self.replica, self.exchange, self.voter = model, replica, exchange, voter
        self.data, self.schedule, self.shards, self.mine = data, schedule, shards, mine
        self._order: tuple[int, np.ndarray] = (-1, np.empty(0, np.int64))

    def run(self, step: int, flags: Callable[[], tuple[bool, bool]]) -> Vote:
        """Computes and commits one step. `flags()`: this rank's (stop, checkpoint), asked at the end.

        Nothing is committed when the loss is not finite; the vote's row says so.
        """
        parts = cut(self.schedule.batch(step), self.shards)
        rows = {shard: self._shard(step, shard, parts[shard]) for shard in self.mine}
        gradient = self.exchange.finish()
        vote = self.voter.vote(rows, *flags())
        if np.isfinite(vote.row[0]):
            self.replica.update(step, gradient, vote.row[1])
            self.replica.commit()
        return vote

    def _shard(self, step: int, shard: int, part: slice) -> np.ndarray:
        """The shard's row of sums; its gradient goes to the exchange."""
        gradient = self.exchange.buffer()
        if part.start == part.stop:  # a last batch smaller than the number of shards
            gradient.flat.fill(0)
            row = np.zeros(self.model.row_width)
        else:
            x, targets = self.data.read(self._indices(step)[part])
            key = Key(self.schedule.seed, step, shard)
            row = self.model.gradient(self.replica.current.parameters, x, targets, gradient, key)
        self.exchange.add(shard, gradient)
        return row

    def _indices(self, step: int) -> np.ndarray:
        epoch = self.schedule.epoch(step)
        if self._order[0] != epoch:
            self._order = (epoch, self.schedule.order(epoch))
        return self._order[1]
