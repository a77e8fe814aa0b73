"""One step: shards → gradients → vote → exchange and update → commit.

1. Everything that decides bits depends on (seed, step, shard), never on the rank.
2. The vote (vote.py) is also the barrier behind which all gradients are written.
3. The update ends with a second barrier, behind which every part of the next buffer is written: that is the commit.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from math import isfinite

import numpy as np

from bpcore import diagnosis, finite, lockstep
from bpcore.arena import Vector
from bpcore.fields import Batch
from bpcore.model import Model
from bpcore.optimization.update import Pace, Updater
from bpcore.plan import Key
from worker.advance import Advance
from worker.crew import Crew
from worker.data.reading import Input
from worker.errors import BadSample
from worker.exchange import Reduction
from worker.node.ledger import TRAIN
from worker.node.replica import Replica
from worker.shards import Schedule, part
from worker.stopwatch import OFF, Stopwatch
from worker.tally import NONE, Epoch, Tally, added
from worker.vote import Flags, Vote, Voter

ALONE = (1.0,)  # by what the gradient of the only head is divided, besides the count


class Stepper:
    """Runs steps on one rank of a crew."""

    def __init__(self, crew: Crew, model: Model, updater: Updater, replica: Replica, reduction: Reduction,
                 data: Input, schedule: Schedule, shards: int, diagnose_every: int = 0):
        self.crew, self.model, self.updater, self.replica = crew, model, updater, replica
        self.data, self.schedule, self.shards = data, schedule, shards
        self.voter = Voter(crew.comm, shards, model.row_width)
        self._count_voter = Voter(crew.comm, shards, len(model.spec.heads))
        self._diagnosis_voter = Voter(crew.comm, shards, diagnosis.WIDTH * len(model.spec.graph.nodes))
        self._whole = {layer: Voter(crew.comm, shards, width) for layer, width in lockstep.widths(model).items()}
        self.exchange = reduction.open(crew, model.layout, shards, at_once=bool(self._whole))
        self._advance = Advance(crew, updater, replica, self.exchange)
        self._zeros = np.zeros(model.row_width)
        self._diagnose_every = diagnose_every
        self._diagnoses: dict[int, np.ndarray] = {}
        self.diagnosis: dict[str, float] = {}  # of the last step that was diagnosed
        self._epoch: Epoch | None = None
        self._bad: dict[int, str] = {}  # of this step, by shard
        self._nothing = np.full(model.row_width, np.nan)
        self._skips = data.may_skip
        self.skipped = 0  # samples that this rank has left out, each as often as that happened
        self.clock = OFF
        self.read_s = 0.0  # that the last step waited for its samples
        self._waited_s = 0.0  # and for other ranks, before its vote

    def assign(self, assignments: Sequence[Sequence[int]]) -> None:
        """Who computes which shards from the next step on. Collective."""
        self.mine = list(assignments[self.crew.comm.rank])
        self.exchange.assign(assignments)
        self._advance.assign()

    def run(self, step: int, factor: float, flags: Callable[[], Flags]) -> Vote:
        """Computes and commits one step. `factor`: of the learning rate. `flags()`: what this rank asks, at the end.

        Nothing is committed when the loss or a gradient is not finite.
        """
        began, self._diagnoses_now = time.perf_counter(), self._diagnose_every and step % self._diagnose_every == 0
        epoch, place = self._epoch_of(step), self.schedule.batch(step)
        batches, used = self._read(epoch, place)
        self.read_s = time.perf_counter() - began
        self.clock.mark("read")
        self._waited_s = 0.0
        counts = self._divisors = self._counts(batches)
        pace = Pace(step + 1, 0, place.stop - place.start, factor, epoch.number, self.schedule.begins_epoch(step))
        rows = self._together(step, batches, counts) if self._whole else {
            shard: self._shard(step, shard, batch, counts, pace) for shard, batch in batches.items()}
        if self._bad:
            rows |= {shard: self._nothing for shard in self._bad}
        vote = self.voter.vote(rows, flags(), used, time.perf_counter() - began - self._waited_s)
        self.clock.mark("commit")
        if isfinite(self._zeros.dot(vote.row)):  # zero times what is not finite is not a number
            if self.crew.is_last:  # the first has the record to write
                self.replica.ledger.write(TRAIN, step, time.time(), vote.row)
            self.exchange.combine(vote.row[1])
            self.clock.mark("exchange")
            pace.count = vote.row[1]
            is_finite = self._advance.run(pace)
            if self._diagnoses_now:
                self._diagnose(vote.row[1])
            if is_finite:
                before = NONE if self.schedule.begins_epoch(step) else self.replica.used
                self.replica.commit(added(before, vote.used))
                vote.committed = True
            self.clock.mark("commit")
        return vote

    def _read(self, epoch: Epoch, place: slice) -> tuple[dict[int, Batch], Tally]:
        """Shard → its batch, of this rank's part of the global one; and what they use of the epoch."""
        batches, used = {}, NONE
        for shard in self.mine:
            samples = part(place, self.shards, shard)
            try:
                batches[shard] = self._data.part(epoch.order, samples)
            except BadSample as error:  # the step will not be committed
                self._bad[shard] = error.advised
                batches[shard] = self._data.read(epoch.order[:0])
            if self._skips:
                self.skipped += samples.stop - samples.start - _size(batches[shard])
            used = added(used, epoch.tally(samples))
        return batches, used

    def why_not(self, step: int, loss: float) -> str:
        """Why this step could not be committed, from the lowest shard that shows it. Collective."""
        found, bad = {}, {}
        for told in self.crew.comm.gather_all(json.dumps(self._bad).encode()):
            bad |= {int(shard): cause for shard, cause in json.loads(told).items()}
        if bad:
            return f"step {step}: {bad[min(bad)]}"
        for shard, batch in self._read(self._epoch_of(step), self.schedule.batch(step))[0].items():
            key = Key(self.schedule.seed, step, shard)
            cause = finite.first_not_finite(self.model, self.replica.current.parameters, batch, key, self._divisors) if _size(batch) else None
            if cause:
                found[shard] = cause
        for told in self.crew.comm.gather_all(json.dumps(found).encode()):
            found |= {int(shard): cause for shard, cause in json.loads(told).items()}
        return finite.message(step, loss, found[min(found)] if found else None)

    def measure(self, clock: Stopwatch) -> None:
        """Tells the clock where the time goes."""
        self.clock = clock
        self._advance.measure(clock)

    def _counts(self, batches: Mapping[int, Batch]) -> Sequence[float]:
        """What each head's sum is divided by, over the global batch; with one head nobody needs to know."""
        if len(self.model.spec.heads) == 1:
            return ALONE
        return self._total(self._count_voter, {shard: self.model.counts(batch) for shard, batch in batches.items()})

    def _total(self, voter: Voter, rows: Mapping[int, np.ndarray]) -> np.ndarray:
        """A sum over all shards within a step. What it waits for others is not a rank's own time."""
        asked = time.perf_counter()
        row = voter.vote(rows).row
        self._waited_s += time.perf_counter() - asked
        return row

    def _together(self, step: int, batches: Mapping[int, Batch], counts: np.ndarray) -> dict[int, np.ndarray]:
        """The same for models whose layers look at the whole batch: all shards layer by layer."""
        work = {shard: lockstep.Work(batch, self.exchange.buffer(shard), Key(self.schedule.seed, step, shard))
                for shard, batch in batches.items()}
        rows = lockstep.gradients(self.model, self.replica.current.parameters,
                                  {shard: item for shard, item in work.items() if _size(item.batch)}, counts,
                                  lambda layer, parts: self._total(self._whole[layer], parts))
        if self._diagnoses_now:
            self._diagnoses.update(lockstep.diagnoses(self.model, work))
        self.clock.mark("backward")
        for shard, item in work.items():
            if not _size(item.batch):
                item.out.flat.fill(0)
            self.exchange.add(shard)
        return rows

    def _shard(self, step: int, shard: int, batch: Batch, counts: Sequence[float], pace: Pace) -> np.ndarray:
        """The shard's row of sums; its gradient goes to the exchange."""
        gradient = self.exchange.buffer(shard)
        if not _size(batch):  # a last batch smaller than the number of shards
            gradient.flat.fill(0)
            row = np.zeros(self.model.row_width)
        else:
            key = Key(self.schedule.seed, step, shard)
            row = self.exchange.gradient(self.model, self.replica.current.parameters, batch, gradient, key, counts, pace)
            if self._diagnoses_now:
                self._diagnoses[shard] = self.model.diagnosis(_size(batch))
        self.clock.mark("backward")
        self.exchange.add(shard)
        self.clock.mark("exchange")
        return row

    def _diagnose(self, count: float) -> None:
        """All parts of the gradient's sum are written."""
        sums = self._diagnosis_voter.vote(self._diagnoses).row
        self.diagnosis = diagnosis.values(self.model.spec.graph, sums, Vector(self.model.layout, self.exchange.total), count)
        self._diagnoses.clear()
        self.crew.comm.barrier()  # nobody writes the next gradient there yet

    def _epoch_of(self, step: int) -> Epoch:
        number = self.schedule.epoch(step)
        if self._epoch is None or self._epoch.number != number:
            self._epoch = Epoch(self.schedule, number)
            self._data = self.data.of_epoch(number)
        return self._epoch


def _size(batch: Batch) -> int:
    return len(next(iter(batch.values())))
