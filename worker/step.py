"""One step: shards → gradients → exchange → vote → update → commit.

1. Everything that decides bits depends on (seed, step, shard), never on the rank.
2. The vote is one small sum over ranks. Each shard has a row of its own in it, filled by one rank and
   zero elsewhere, so the sum is exact; rows are then added in the exchange's tree.
3. Flags ride in the vote, so that all ranks see them at the same boundary.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bpcore import diagnosis, lockstep
from bpcore.fields import Batch
from bpcore.model import Model
from bpcore.plan import Key
from bpcore.update import Pace
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
        self.comm, self._shards, self._width = comm, shards, width

    def vote(self, rows: dict[int, np.ndarray], stop: bool = False, checkpoint: bool = False) -> Vote:
        ballot = np.zeros(self._shards * self._width + 2)
        table = ballot[:-2].reshape(self._shards, self._width)
        for shard, row in rows.items():
            table[shard] = row
        ballot[-2:] = stop, checkpoint
        self.comm.sum(ballot)
        leaves = {(shard, shard + 1): row for shard, row in enumerate(table)}
        return Vote(reduce((0, self._shards), leaves, np.add), ballot[-2] > 0, ballot[-1] > 0)


class Stepper:
    """Runs steps on one rank."""

    def __init__(self, model: Model, replica: Replica, exchange: Exchange, voter: Voter, data: Dataset,
                 schedule: Schedule, shards: int, mine: Sequence[int], diagnose_every: int = 0):
        self.model, self.replica, self.exchange, self.voter = model, replica, exchange, voter
        self.data, self.schedule, self.shards, self.mine = data, schedule, shards, mine
        self._count_voter = Voter(voter.comm, shards, len(model.spec.heads))
        self.diagnose_every = diagnose_every
        self.diagnosis: dict[str, float] = {}  # of the last step that was diagnosed
        self._diagnoses: dict[int, np.ndarray] = {}
        self._diagnosis_voter = Voter(voter.comm, shards, diagnosis.WIDTH * len(model.spec.graph.nodes))
        self._whole = {layer: Voter(voter.comm, shards, width) for layer, width in lockstep.widths(model).items()}
        self._order: tuple[int, np.ndarray] = (-1, np.empty(0, np.int64))

    def run(self, step: int, factor: float, flags: Callable[[], tuple[bool, bool]]) -> Vote:
        """Computes and commits one step. `factor`: of the learning rate. `flags()`: this rank's (stop,
        checkpoint), asked at the end.

        Nothing is committed when the loss is not finite; the vote's row says so.
        """
        place = self.schedule.batch(step)
        parts = cut(place, self.shards)
        batches = {shard: self.data.read(self._indices(step)[parts[shard]]) for shard in self.mine}
        counts = self._counts(batches)
        rows = self._together(step, batches, counts) if self._whole else {
            shard: self._shard(step, shard, batch, counts) for shard, batch in batches.items()}
        gradient = self.exchange.finish()
        vote = self.voter.vote(rows, *flags())
        if self.diagnose_every and step % self.diagnose_every == 0:
            sums = self._diagnosis_voter.vote(self._diagnoses).row
            self.diagnosis = diagnosis.values(self.model.spec.graph, sums, gradient, vote.row[1])
            self._diagnoses.clear()
        if np.isfinite(vote.row).all():
            self.replica.update(Pace(step + 1, vote.row[1], place.stop - place.start, factor, self.schedule.epoch(step)), gradient)
            self.replica.commit()
        return vote

    def _counts(self, batches: Mapping[int, Batch]) -> np.ndarray:
        """What each head's sum is divided by, over the global batch; with one head nobody needs to know."""
        if len(self.model.spec.heads) == 1:
            return np.ones(1)
        return self._count_voter.vote({shard: self.model.counts(batch) for shard, batch in batches.items()}).row

    def _together(self, step: int, batches: Mapping[int, Batch], counts: np.ndarray) -> dict[int, np.ndarray]:
        """The same for models whose layers look at the whole batch: all shards layer by layer."""
        out = {shard: self.exchange.buffer() for shard in batches}
        full = {shard: batch for shard, batch in batches.items() if _size(batch)}
        work = {shard: lockstep.Work(batch, out[shard], Key(self.schedule.seed, step, shard)) for shard, batch in full.items()}
        rows = lockstep.gradients(self.model, self.replica.current.parameters, work, counts,
                                  lambda layer, parts: self._whole[layer].vote(parts).row)
        for shard in batches:
            if shard not in full:
                out[shard].flat.fill(0)
            self.exchange.add(shard, out[shard])
        return rows

    def _shard(self, step: int, shard: int, batch: Batch, counts: np.ndarray) -> np.ndarray:
        """The shard's row of sums; its gradient goes to the exchange."""
        gradient = self.exchange.buffer()
        if not _size(batch):  # a last batch smaller than the number of shards
            gradient.flat.fill(0)
            row = np.zeros(self.model.row_width)
        else:
            key = Key(self.schedule.seed, step, shard)
            row = self.model.gradient(self.replica.current.parameters, batch, gradient, key, counts)
            if self.diagnose_every and step % self.diagnose_every == 0:
                self._diagnoses[shard] = self.model.diagnosis(_size(batch))
        self.exchange.add(shard, gradient)
        return row

    def _indices(self, step: int) -> np.ndarray:
        epoch = self.schedule.epoch(step)
        if self._order[0] != epoch:
            self._order = (epoch, self.schedule.order(epoch))
        return self._order[1]


def _size(batch: Batch) -> int:
    return len(next(iter(batch.values())))
