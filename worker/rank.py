"""The life of a rank: agree on the job, train, report, leave.

1. Nothing that one rank does alone may raise between collectives: what can go wrong goes wrong in
   `together`, on all ranks at once.
2. Rank 0 alone touches the run's folder; the others learn from it by broadcast.
3. An unforeseen exception ends the whole world, naming the rank: nobody waits for the dead.
"""

import hashlib
import json
import os
import sys
import traceback

import numpy as np

from bpcore.model import Model
from bpcore.schedules import Clock, evaluations_without_progress
from bpcore.update import Updater
from bptrain.v1.plan_pb2 import RunPlan
from bptrain.v1.report_pb2 import AttemptEnded, AttemptStarted, RankInfo, Transfer
from worker import checks, jobfile
from worker.agree import Agreed, require_same, together
from worker.checks import Job
from worker.comm import Comm, connect
from worker.console import complain
from worker.control import Control
from worker.errors import TrainingFailed
from worker.evaluate import evaluate
from worker.exchange.exact import Exact
from worker.options import Options
from worker.recorder import Recorder, Silent
from worker.replica import Replica
from worker.step import Stepper, Vote, Voter


def main(options: Options) -> int:
    """Runs this process's rank; the exit status."""
    np.seterr(all="ignore")  # a loss that is not finite is found in the vote, and said once
    control = Control()
    control.listen()
    comm = connect()
    record: Silent = Silent()
    try:
        job = together(comm, lambda: _job(options, comm.size))
        require_same(comm, "the job or its data", _identity(job))
        record = together(comm, lambda: Recorder(options, job, control) if comm.rank == 0 else record)
        code = _Training(comm, job, control, record).run()
        record.close()
        comm.close()
        return code
    except Agreed as error:
        if comm.rank == 0:
            complain(error)
        record.ended(AttemptEnded(outcome=AttemptEnded.OUTCOME_FAILED, cause=str(error)))
        record.close()
        comm.close()
        return error.code
    except BaseException as error:
        _die(comm, record, error)
        raise


def _job(options: Options, world: int) -> Job:
    spec, problems = jobfile.read(options.job)
    return checks.check(checks.for_ranks(spec, world), options.data_root, problems)


def _identity(job: Job) -> str:
    """Equal where job and data are."""
    sizes = [len(job.train), len(job.eval) if job.eval else 0]
    return hashlib.sha256(json.dumps([jobfile.plain(job.spec), sizes], sort_keys=True).encode()).hexdigest()


def _die(comm: Comm, record: Silent, error: BaseException) -> None:
    lost = comm.lost(error)
    if lost is None:
        print(f"rank {comm.rank} on {comm.host}:\n{traceback.format_exc()}", file=sys.stderr, flush=True)
    try:
        cause = lost or f"rank {comm.rank} failed: {type(error).__name__}: {error}"
        record.ended(AttemptEnded(outcome=AttemptEnded.OUTCOME_FAILED, cause=cause))
        record.close()
    finally:
        if lost and comm.speaks:
            print(f"bptrain: {lost}", file=sys.stderr, flush=True)
        comm.leave(1) if lost else comm.abort(1)


def _transfer(job: Job) -> Transfer | None:
    if job.start is None:
        return None
    return Transfer(matched=list(job.start.arrays), missing=job.start.missing, unused=job.start.unused)


class _Training:
    """One attempt, from the first step to the end record."""

    def __init__(self, comm: Comm, job: Job, control: Control, record: Silent):
        self.comm, self.job, self.control, self.record = comm, job, control, record
        self.plan = RunPlan.FromString(comm.gather_all(record.plan.SerializeToString() if comm.rank == 0 else b"")[0])
        assignments = [list(assignment.shards) for assignment in self.plan.assignments]
        self.mine, self.shards = assignments[comm.rank], self.plan.logical_shards
        self.model = Model(job.maths)
        self.replica = Replica(self.model.layout, Updater(job.maths, self.model.layout))
        self.evaluations: list[float] = []
        self.voter = Voter(comm, self.shards, self.model.row_width)
        exchange = Exact(comm, self.model.layout, self.shards, assignments)
        self.stepper = Stepper(self.model, self.replica, exchange, self.voter, job.train, job.schedule, self.shards, self.mine,
                               job.spec.diagnose_every)

    def run(self) -> int:
        """The exit status."""
        self.step = self._restore()
        self._report_start()
        try:
            while self.step < self.job.schedule.total_steps and not self._one_step() and not self._is_early():
                pass
        except TrainingFailed as error:
            self._report_end(AttemptEnded.OUTCOME_FAILED, str(error))
            return 1
        self.record.checkpoint(self.step, self.replica.current, self.evaluations)
        if self._is_early():
            self._report_end(AttemptEnded.OUTCOME_COMPLETED, f"completed early: no better held-out loss in {self.job.spec.early_stopping.patience} evaluations")
        elif self.step < self.job.schedule.total_steps:
            self._report_end(AttemptEnded.OUTCOME_STOPPED, self.control.cause)
        else:
            self._report_end(AttemptEnded.OUTCOME_COMPLETED, "completed")
        return 0

    def _restore(self) -> int:
        """Fills the replica on every rank; the first step to compute."""
        buffer = self.replica.current
        told = self.comm.gather_all(json.dumps(together(self.comm, lambda: self.record.restore(buffer))).encode())
        step, self.evaluations = json.loads(told[0])
        if step == 0:
            buffer.parameters.flat[...] = self.model.initialize(self.job.spec.seed).flat
            if self.job.start:
                self.job.start.apply(buffer.parameters)
        else:
            for vector in buffer.vectors().values():
                self.comm.broadcast(vector.flat)
        return step

    def _one_step(self) -> bool:
        """Trains one step and what is due behind it; whether all agreed to stop."""
        step, schedule = self.step, self.job.schedule
        clock = Clock(step, schedule.total_steps, schedule.steps_per_epoch, self.evaluations)
        vote = self.stepper.run(step, self.job.maths.schedule.factor(clock), lambda: (self.control.stop, self.record.checkpoint_due(step)))
        self._require_finite(vote)
        self.step += 1
        self.record.trained(step, self.model.summary(vote.row))
        if self.stepper.diagnosis:
            self.record.diagnosed(step, self.stepper.diagnosis)
            self.stepper.diagnosis = {}
        if self.job.eval and schedule.ends_epoch(step):
            values = evaluate(self.model, self.replica.evaluated, self.job.eval, schedule.batch_size, self.shards, self.mine, self.voter)
            self.evaluations.append(values["loss"])
            self.record.evaluated(step, values)
        if vote.checkpoint and not vote.stop:
            self.record.checkpoint(self.step, self.replica.current, self.evaluations)
        return vote.stop

    def _is_early(self) -> bool:
        """Whether the held-out loss has stopped improving."""
        rule = self.job.spec.early_stopping
        return bool(rule.patience) and evaluations_without_progress(self.evaluations, rule.min_delta) >= rule.patience

    def _require_finite(self, vote: Vote) -> None:
        if not np.isfinite(vote.row).all():
            raise TrainingFailed(f"the loss is {self.model.summary(vote.row)['loss']:g} in step {self.step}: not a finite number; "
                                 "lower the learning rate, or look at the data of this step")

    def _report_start(self) -> None:
        me = RankInfo(host=self.comm.host, pid=os.getpid()).SerializeToString()
        schedule = self.job.schedule
        self.record.started(AttemptStarted(
            first_step=self.step, total_steps=schedule.total_steps, steps_per_epoch=schedule.steps_per_epoch,
            batch_size=schedule.batch_size, parameters=self.model.layout.count, seed=schedule.seed,
            logical_shards=self.shards, transfer=_transfer(self.job), ranks=[RankInfo.FromString(rank) for rank in self.comm.gather_all(me)]))

    def _report_end(self, outcome: AttemptEnded.Outcome, cause: str) -> None:
        digest = self.replica.current.parameters.digest()
        require_same(self.comm, "the parameters' digest", digest)
        self.record.ended(AttemptEnded(outcome=outcome, cause=cause, step=self.step, digest=digest))
