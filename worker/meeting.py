"""How ranks come together: at the start, after a death, when newcomers join.

1. Everything that depends on who is there is made here, anew each time: the crew, the exchange, the stepper.
   The replica stays.
2. They agree on the newest committed step that any node holds. Nodes that lack it get it from one that has
   it; where none has, rank 0 reads the newest checkpoint, or draws fresh parameters.
3. Rank 0, old or new, writes down what the journal lacks from a ledger.
"""

import hashlib
import json
import time
from collections import Counter

import numpy as np

from bpcore.model import Model
from bpcore.optimization.update import Updater
from bptrain.v1.plan_pb2 import RunPlan
from bptrain.v1.report_pb2 import AttemptStarted, CrewChanged, LostRank, RankInfo, Transfer
from worker import evaluate, shards
from worker.agree import Agreed, require_same, together
from worker.balance import Balance
from worker.beat import Beat
from worker.comm import Comm
from worker.control import Control
from worker.crew import Crew
from worker.data import reading
from worker.inference.sampling import Sampler
from worker.jobs import jobfile
from worker.jobs.job import Job
from worker.node import holding, ledger, replica
from worker.node.holding import Holding
from worker.node.ledger import TRAIN, Row
from worker.node.replica import Replica
from worker.node.status import Status
from worker.options import Options
from worker.record.pace import Gauge
from worker.record.recorder import Recorder
from worker.record.silent import Silent
from worker.step import Stepper


class CutOff(Agreed):
    """Others go on with the run: it is not these ranks' to write in any more."""


class Meeting:
    """The state of one rank. `full`: place → ranks that are to be there. `lost`, `joined`, `stalled_since`: what the
    next meeting reports."""

    def __init__(self, options: Options, comm: Comm, job: Job, control: Control):
        self.options, self.comm, self.job, self.control = options, comm, job, control
        self.model = Model(job.maths)
        self.updater = Updater(job.maths, self.model.layout)
        self.evaluation = evaluate.evaluation(job, self.model)
        self.sampler = Sampler(job, self.model) if job.spec.HasField("sample") else None
        self.evaluations: list[float] = []
        self.record = Silent()
        self.full: dict[str, int] = {}
        self.lost: list[LostRank] = []
        self.joined, self.stalled_since = 0, 0.0
        self._was_beside_launcher = False
        self.holding: Holding | None = None
        self.stepper: Stepper | None = None
        self.skipped = 0  # samples that this rank has left out before the last meeting
        self.plan = RunPlan()
        self._source = AttemptStarted.SOURCE_UNSPECIFIED

    def begin(self) -> None:
        """All ranks have been started together."""
        self.record = together(self.comm, lambda: self._recorder() if self.comm.rank == 0 else self.record)
        if self.comm.rank == 0:
            self.plan = self.record.plan
        self._enter()
        self.full = dict(Counter(self.crew.places))
        together(self.comm, lambda: self._load() if self.comm.rank == 0 else None)
        if self.sampler:
            together(self.comm, lambda: self.sampler.try_out(self.replica.evaluated) if self.comm.rank == 0 else None)
        self._agree()

    def meet(self) -> None:
        """After a death, or with newcomers."""
        self._claim()
        self._enter()
        self._agree()

    def forget(self) -> None:
        """The run has ended: its memory is not needed any more."""
        if self.holding:
            self.holding.end()

    @property
    def has_lost_launcher(self) -> bool:
        """Whether its host has died, or is cut off."""
        return self._was_beside_launcher and not self.crew.beside_launcher

    def require_right_to_go_on(self, before: Crew, dead: list[int]) -> None:
        """Raises CutOff where most ranks may be alive without us: those of hosts that look dead as a whole may only be
        cut off. The side with more ranks goes on, so never two; where both are equal, the one that gets the run's
        folder (_claim)."""
        unsure = {rank for node in before.nodes if set(node) <= set(dead) for rank in node}
        left = before.comm.size - len(dead)
        if len(unsure) > left:
            raise CutOff(3, f"cut off from {len(unsure)} of {before.comm.size} ranks: leaving the run to them")

    def _claim(self) -> None:
        """Rank 0 has the run's folder, or others go on with the run."""
        try:
            self.record = together(self.comm, self._claimed)
        except Agreed as error:
            raise CutOff(error.code, str(error)) from None

    def _claimed(self) -> Silent:
        if self.comm.rank:
            return self.record
        if not isinstance(self.record, Recorder):
            return self._recorder(self.plan)
        self.record.claim()
        return self.record

    def _recorder(self, run: RunPlan | None = None) -> Recorder:
        return Recorder(self.options, self.job, self.control, self.model.summaries, ledger.rows(self.model.row_width) // 2, run)

    def _enter(self) -> None:
        """The crew and the node's memory."""
        comm, spec = self.comm, self.job.spec
        plans = comm.gather_all(self.plan.SerializeToString())
        self.plan = RunPlan.FromString(next(filter(None, plans)))
        require_same(comm, "the job or its data", _identity(self.job))
        versions = self.job.remote.versions if self.job.remote else {}
        require_same(comm, f"what is at {', '.join(versions)}", json.dumps(versions, sort_keys=True))
        self.crew = Crew.meet(comm, spec.shared_memory)
        self._was_beside_launcher |= self.crew.beside_launcher
        together(comm, lambda: self._hold() if self.crew.leads else None)
        together(comm, self._hold)
        self.status.take(self.crew.place, comm.rank)
        self.status.rest()
        comm.watch = self.status
        self.replica.read()

    def _hold(self) -> None:
        if self.holding:
            return
        size = replica.size_bytes(self.model.layout, self.updater, self.model.row_width)
        keep_s = self.job.spec.recovery.keep_s
        shared = self.job.spec.shared_memory
        self.holding = holding.hold(self.plan.run, self.plan.attempt, size, keep_s, self.crew.leads) if shared else holding.private(size)
        self.replica = Replica(self.model.layout, self.updater, self.holding.segment, self.model.row_width)
        self.status = Status(self.holding.segment, self.job.spec.recovery.deadline_s)

    def _load(self) -> None:
        """Rank 0, at the start: the node's memory, unless a checkpoint is newer or nothing is there."""
        newest, buffer = self.record.newest_checkpoint(), self.replica.current
        if newest > self.replica.steps:
            self.replica.set(-1)
            loaded = self.record.restore(buffer)
            self.evaluations = loaded.evaluations
            self.replica.set(loaded.step, loaded.used)
            self._source = AttemptStarted.SOURCE_DISK
        elif self.replica.steps < 0:
            buffer.parameters.flat[...] = self.model.initialize(self.job.spec.seed).flat
            if self.job.start:
                self.job.start.apply(buffer.parameters)
            self.replica.set(0)
            self._source = AttemptStarted.SOURCE_NOTHING
        else:
            self._source = AttemptStarted.SOURCE_MEMORY

    def _agree(self) -> None:
        """On the newest step; then everything that depends on who is there."""
        comm = self.comm
        told = [json.loads(data) for data in comm.gather_all(json.dumps([self.replica.steps, self.replica.used]).encode())]
        steps = [each for each, _ in told]
        best = max(steps)
        root = steps.index(best)
        if min(steps) < best:
            if self.replica.steps < best:
                self.replica.set(-1)
            for vector in self.replica.current.vectors().values():
                comm.broadcast(vector.flat, root)
            self.replica.set(best, tuple(told[root][1]))
            if root and self._source != AttemptStarted.SOURCE_UNSPECIFIED:
                self._source = AttemptStarted.SOURCE_MEMORY
        self._write_down(root, best)
        told = [json.loads(data) for data in comm.gather_all(json.dumps([self.evaluations, self.full]).encode())]
        self.evaluations = max((evaluations for evaluations, _ in told), key=len)
        self.full = next(full for _, full in told if full)
        self._assign()
        self.record.prepare(self.replica.current)
        self._report()

    def _write_down(self, root: int, steps: int) -> None:
        """Rank 0 gets the rows that its journal lacks, from the ledger of the root's node."""
        known = json.loads(self.comm.gather_all(json.dumps(self.record.known).encode())[0])
        rows = [row for row in self.replica.ledger.read(steps) if row.step > known[row.kind]] if self.comm.rank == root else []
        told = self.comm.gather_all(json.dumps([[row.kind, row.step, row.time, row.values.tolist()] for row in rows]).encode())
        for row in (Row(*where, np.array(values)) for *where, values in json.loads(told[root])):
            if row.kind == TRAIN:
                self.record.trained(row.step, row.values, row.time)
            else:
                self.record.evaluated(row.step, self.evaluation.summary(row.values), row.time)
        if self._source == AttemptStarted.SOURCE_MEMORY and self.comm.rank == 0:
            self.evaluations = self.record.evaluations(steps)

    def _assign(self) -> None:
        plan, comm = self.plan, self.comm
        planned = [list(assignment.shards) for assignment in plan.assignments]
        self.balance = Balance(planned if len(planned) == comm.size else shards.assign(plan.logical_shards, comm.size))
        samples = self.job.samples(self.model, lambda: self.replica.epoch_start(self.job.schedule), self.status)
        self.input = reading.opened(samples, self.job.schedule, plan.logical_shards)
        self.skipped += self.stepper.skipped if self.stepper else 0
        self.stepper = Stepper(self.crew, self.model, self.updater, self.replica, self.job.reduction, self.input,
                               self.job.schedule, plan.logical_shards, self.job.spec.diagnose_every)
        self.stepper.assign(self.balance.assignments)
        self.beat = Beat(self.job.spec.checkpoint.every_steps)
        self.gauge = Gauge(self.replica.steps, self.crew.hosts) if comm.rank == 0 else None

    def _report(self) -> None:
        ranks = [RankInfo(host=host, pid=pid) for host, pid in zip(self.crew.hosts, self.crew.pids)]
        schedule = self.job.schedule
        if self._source != AttemptStarted.SOURCE_UNSPECIFIED:
            self.record.started(AttemptStarted(
                first_step=self.replica.steps, total_steps=schedule.total_steps, steps_per_epoch=schedule.steps_per_epoch,
                batch_size=schedule.batch_size, parameters=self.model.layout.count, seed=schedule.seed,
                logical_shards=self.plan.logical_shards, transfer=_transfer(self.job), ranks=ranks, source=self._source))
        elif self.lost or self.joined:
            self.record.crew_changed(CrewChanged(step=self.replica.steps, lost=self.lost, joined=self.joined, ranks=ranks,
                                                 stall_s=time.monotonic() - self.stalled_since))
        self._source = AttemptStarted.SOURCE_UNSPECIFIED
        self.lost, self.joined, self.stalled_since = [], 0, 0.0


def _identity(job: Job) -> str:
    """Equal where job and data are."""
    sizes = [len(job.train), len(job.eval) if job.eval else 0]
    return hashlib.sha256(json.dumps([jobfile.plain(job.spec), sizes], sort_keys=True).encode()).hexdigest()


def _transfer(job: Job) -> Transfer | None:
    if job.start is None:
        return None
    return Transfer(matched=list(job.start.arrays), missing=job.start.missing, unused=job.start.unused)
