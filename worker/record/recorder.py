"""Rank 0's side of the record: the run's folder, its journal and checkpoints, the link.

The other ranks have the plain `Silent`. What it raises while opening is a BptrainError; afterwards only a disk that
fails. When rank 0 dies, the new one opens a Recorder of its own and goes on where the journal stops.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from bptrain.v1.plan_pb2 import RunPlan
from bptrain.v1.report_pb2 import AttemptEnded, AttemptStarted, Compiling, CrewChanged, EpochEnded, Pace, Sample
from worker import plan
from worker.comm.watch import Watch
from worker.control import Control
from worker.errors import Unavailable
from worker.jobs import specs
from worker.jobs.job import Job
from worker.node.ledger import EPOCH, EVAL, TRAIN
from worker.node.replica import Buffer, Replica
from worker.options import Options
from worker.record import checkpoint, rundir
from worker.record.checkpoint import Loaded
from worker.record.console import Lines, compiling_sentence, sample_sentence, say
from worker.record.journal import Journal, read
from worker.record.reporter import Reporter
from worker.record.saver import Saver
from worker.record.silent import Silent

TAKE_OVER_S = 10.0  # for the folder to become free when rank 0 has died


class Recorder(Silent):
    """`summaries`: a table of sums → values by series; `rows`: of the curve that a ledger surely has; `run`: the attempt that
    this takes over, None where it begins one."""

    def __init__(self, options: Options, job: Job, control: Control, summaries: Callable[[np.ndarray], Mapping[str, Sequence[float]]], rows: int,
                 run: RunPlan | None = None):
        self._job, self._summaries, self._resume = job, summaries, options.resume
        self._folder = rundir.RunDir(Path(run.folder) if run else options.run_dir or rundir.choose(job.spec.name, options.resume))
        # A launcher has prepared the folder before it starts the ranks.
        if not options.coordinator and run is None:
            self._folder.prepare(job.spec, options.resume)
        self._folder.lock(TAKE_OVER_S if run or options.coordinator else 0)
        self._journal = Journal(self._folder.journal)
        self.plan = run or self._make_plan(bool(options.coordinator))
        self._link = None
        if options.coordinator:
            from worker.record.link import Link

            self._link = Link(options.coordinator, self.plan, self._folder.journal, control)
        self._reporter = Reporter(self._journal, self.plan.attempt, summaries, self._link.notify if self._link else lambda: None, rows)
        self._saver = Saver(self._folder.checkpoints, job.spec, self._reporter, job.learned())
        self.known = self._steps_known()
        self._lines: Lines | None = None
        self._compiled = 0  # kernels, so far

    def _make_plan(self, launched: bool) -> RunPlan:
        """The launcher's plan, or an even one where there is no coordinator."""
        made = self._folder.read_plan() if launched else plan.even(self._job.spec, attempt=self._journal.attempt + 1)
        made.run, made.folder = self._folder.identity(self._resume), str(self._folder.path)
        return made

    def _steps_known(self) -> list[int]:
        """By kind of row, the last step in the journal, −1 for none."""
        last = [-1, -1, -1]
        self._has_ended = False
        for report in read(self._folder.journal):
            self._has_ended = report.attempt == self.plan.attempt and (self._has_ended or report.HasField("ended"))
            if report.HasField("started"):
                last = [min(step, report.started.first_step - 1) for step in last]
            if report.HasField("epoch"):
                last[EPOCH] = report.epoch.step
            for column in report.points.columns[:1]:
                if "/" not in column.series:  # a diagnosis is not a row
                    last[EVAL if column.series.startswith("eval_") else TRAIN] = report.points.steps[-1]
        return last

    def epoch_ended(self, event: EpochEnded) -> None:
        if event.step > self.known[EPOCH]:
            self.known[EPOCH] = event.step
            self._reporter.epoch_ended(event)

    def is_news(self, kind: int, step: int) -> bool:
        return step > self.known[kind]

    def sampled(self, event: Sample) -> None:
        self._reporter.sampled(event)
        say(sample_sentence(event))

    def compiling(self, kernel: str) -> None:
        if threading.current_thread() is threading.main_thread():  # the reporter's
            event = Compiling(kernel=kernel, done=self._compiled)
            self._compiled += 1
            self._reporter.compiling(event)
            say(compiling_sentence(event))

    def paced(self, event: Pace) -> None:
        self._reporter.paced(event)

    def newest_checkpoint(self) -> int:
        """Steps done in the newest checkpoint by its name; −1 where there is none, or the run is not resumed."""
        return checkpoint.newest(self._folder.checkpoints) if self._resume else -1

    def restore(self, buffer: Buffer) -> Loaded:
        """Fills `buffer` from the newest whole checkpoint. Raises Unavailable."""
        loaded = checkpoint.load_newest(self._folder.checkpoints, buffer, specs.fingerprint(self._job.spec))
        for line in loaded.skipped:
            say(line)
        return loaded

    def evaluations(self, steps: int) -> list[float]:
        """The held-out losses in the journal, up to `steps` steps done."""
        found: dict[int, float] = {}
        for report in read(self._folder.journal):
            for column in report.points.columns:
                if column.series == "eval_loss":
                    found |= dict(zip(report.points.steps, column.values))
        return [found[step] for step in sorted(found) if step < steps]

    def started(self, event: AttemptStarted) -> None:
        self._lines = Lines(event.first_step, event.total_steps, event.steps_per_epoch, event.batch_size)
        self.known = [min(step, event.first_step - 1) for step in self.known]
        self._reporter.started(event)
        if event.first_step:
            source = {AttemptStarted.SOURCE_MEMORY: "node memory", AttemptStarted.SOURCE_DISK: "disk"}[event.source]
            say(f"resuming {self._folder.path} at step {event.first_step} from {source}")
        say(f"run {self._folder.path}  {len(event.ranks)} rank(s)  {event.logical_shards} shard(s)  "
            f"{event.parameters:,} parameters  {event.total_steps} steps  seed {event.seed}")
        if not self._job.reduction.same_bits:
            say(f"reduction {self._job.spec.reduction.kind}: the bits depend on the number of ranks")
        if event.HasField("transfer"):
            say(f"start: {len(event.transfer.matched)} parameter(s) taken over; fresh: {', '.join(event.transfer.missing) or 'none'}; "
                f"unused: {', '.join(event.transfer.unused) or 'none'}")

    def crew_changed(self, event: CrewChanged) -> None:
        schedule = self._job.schedule
        self._lines = self._lines or Lines(event.step, schedule.total_steps, schedule.steps_per_epoch, schedule.batch_size)
        self._reporter.crew_changed(event)
        for lost in event.lost:
            say(f"rank {lost.rank} on {lost.host} {lost.cause}")
        joined = f"{event.joined} joined; " if event.joined else ""
        say(f"step {event.step}: {joined}going on with {len(event.ranks)} rank(s) after {event.stall_s:.2f} s")

    def let_go(self) -> None:
        self._folder.unlock()

    def claim(self) -> None:
        """Claims the folder again. Raises Unavailable when someone else has it, or has had it."""
        self._folder.lock(TAKE_OVER_S)
        if not self._journal.is_ours():
            raise Unavailable(f"others have gone on with {self._folder.path}")

    def trained(self, step: int, row: np.ndarray, when: float | None = None) -> None:
        if step <= self.known[TRAIN]:
            return  # a rank 0 that is not there any more has written it down, with the same bits
        self.known[TRAIN] = step
        self._reporter.sums(step, row, when)

    def look(self, step: int, row: np.ndarray) -> None:
        """Does what the clock says is due behind a step."""
        self._reporter.look()
        self._saver.look()
        if self._lines and self._lines.are_due():
            self._lines.say(step, {name: values[0] for name, values in self._summaries(row[None]).items()})

    def evaluated(self, step: int, values: Mapping[str, float], when: float | None = None) -> None:
        if step <= self.known[EVAL]:
            return
        self.known[EVAL] = step
        values = {f"eval_{name}": value for name, value in values.items()}
        self._reporter.point(step, values, when)
        if self._lines:
            self._lines.say(step, values, when, now=True)

    def diagnosed(self, step: int, values: Mapping[str, float]) -> None:
        self._reporter.point(step, values)

    def prepare(self, buffer: Buffer) -> None:
        """Takes the memory that checkpoints of `buffer` need."""
        self._saver.prepare(buffer)

    def checkpoint_due(self, step: int) -> bool:
        """Whether one is wanted after this step."""
        return self._saver.is_due(step)

    def is_best(self, evaluations: Sequence[float]) -> bool:
        """Whether one is wanted after the newest of these held-out losses."""
        return self._saver.is_best(evaluations)

    def checkpoint(self, replica: Replica, evaluations: Sequence[float], watch: Watch) -> None:
        """Begins to write a checkpoint. `watch` is told while this waits."""
        self._saver.save(replica, evaluations, self._job.schedule.steps_per_epoch, watch)

    def finish(self, watch: Watch) -> str:
        """Waits until it is written; why the last one is not on disk, empty where it is."""
        return self._saver.finish(watch)

    def ended(self, event: AttemptEnded) -> None:
        if self._has_ended:  # said already, before someone died on the way out
            return
        self._has_ended = True
        self._reporter.ended(event, partial(self._say_end, event))

    def _say_end(self, event: AttemptEnded) -> None:
        if event.digest:
            say(event.cause if event.outcome == AttemptEnded.OUTCOME_FAILED else f"{event.cause} at step {event.step}")
            say(f"parameters sha256:{event.digest}")
        if event.skipped:
            say(f"{event.skipped} samples could not be read and were left out")

    def close(self) -> None:
        """Waits for the checkpoint that is being written; delivers what the coordinator does not have yet, as far
        as it listens."""
        self._saver.finish()
        if self._link:
            self._link.close(self._journal.sequence)
        self._journal.close()
