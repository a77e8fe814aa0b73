"""Rank 0's side of the record: the run's folder, its journal and checkpoints, the link.

`Recorder` is rank 0's; the other ranks have the plain `Silent`, so that the training loop is the same on
all. What it raises while opening is a BptrainError; afterwards only a disk that fails.
"""

import time
from collections.abc import Mapping, Sequence

from bptrain.v1.plan_pb2 import RunPlan
from bptrain.v1.report_pb2 import AttemptEnded, AttemptStarted, CheckpointWritten
from worker import checkpoint, checks, plan, rundir
from worker.checks import Job
from worker.console import Lines, say
from worker.control import Control
from worker.journal import Journal
from worker.options import Options
from worker.replica import Buffer
from worker.reporter import Reporter


class Silent:
    """The other ranks' record: nothing."""

    def restore(self, buffer: Buffer) -> tuple[int, list[float]]:
        return 0, []

    def started(self, event: AttemptStarted) -> None: ...
    def trained(self, step: int, values: Mapping[str, float]) -> None: ...
    def evaluated(self, step: int, values: Mapping[str, float]) -> None: ...
    def diagnosed(self, step: int, values: Mapping[str, float]) -> None: ...
    def checkpoint(self, step: int, buffer: Buffer, evaluations: Sequence[float]) -> None: ...
    def ended(self, event: AttemptEnded) -> None: ...
    def close(self) -> None: ...

    def checkpoint_due(self, step: int) -> bool:
        return False


class Recorder(Silent):
    def __init__(self, options: Options, job: Job, control: Control):
        self._job, self._resume = job, options.resume
        self._folder = rundir.RunDir(options.run_dir or rundir.choose(job.spec.name, options.resume))
        # A launcher has prepared the folder before it starts the ranks.
        if not options.coordinator:
            self._folder.prepare(job.spec, options.resume)
        self._folder.lock()
        self._journal = Journal(self._folder.journal)
        self.plan = self._make_plan(bool(options.coordinator))
        self._link = None
        if options.coordinator:
            from worker.link import Link

            self._link = Link(options.coordinator, self.plan, self._folder.journal, control)
        self._reporter = Reporter(self._journal, self.plan.attempt, self._link.notify if self._link else lambda: None)
        self._saved = time.monotonic()

    def _make_plan(self, launched: bool) -> RunPlan:
        """The launcher's plan, or an even one where there is no coordinator."""
        if launched:
            return self._folder.read_plan()
        return plan.even(self._job.spec, attempt=self._journal.attempt + 1)

    def restore(self, buffer: Buffer) -> tuple[int, list[float]]:
        """Fills `buffer` from the newest checkpoint when the run is resumed; (steps done, held-out losses)."""
        if not self._resume:
            return 0, []
        loaded = checkpoint.load_newest(self._folder.checkpoints, buffer, checks.fingerprint(self._job.spec))
        for line in loaded.skipped:
            say(line)
        say(f"resuming {self._folder.path} at step {loaded.step}")
        return loaded.step, loaded.evaluations

    def started(self, event: AttemptStarted) -> None:
        self._lines = Lines(event.first_step, event.total_steps, event.steps_per_epoch, event.batch_size)
        self._reporter.started(event)
        say(f"run {self._folder.path}  {len(event.ranks)} rank(s)  {event.logical_shards} shard(s)  "
            f"{event.parameters:,} parameters  {event.total_steps} steps  seed {event.seed}")
        if event.HasField("transfer"):
            say(f"start: {len(event.transfer.matched)} parameter(s) taken over; fresh: {', '.join(event.transfer.missing) or 'none'}; "
                f"unused: {', '.join(event.transfer.unused) or 'none'}")

    def trained(self, step: int, values: Mapping[str, float]) -> None:
        self._reporter.point(step, values)
        self._lines.say(step, values)

    def evaluated(self, step: int, values: Mapping[str, float]) -> None:
        values = {f"eval_{name}": value for name, value in values.items()}
        self._reporter.point(step, values)
        self._lines.say(step, values, now=True)

    def diagnosed(self, step: int, values: Mapping[str, float]) -> None:
        self._reporter.point(step, values)

    def checkpoint_due(self, step: int) -> bool:
        """Whether one is wanted after this step."""
        rule = self._job.spec.checkpoint
        by_steps = rule.every_steps and (step + 1) % rule.every_steps == 0
        return bool(by_steps) or time.monotonic() - self._saved >= rule.every_s

    def checkpoint(self, step: int, buffer: Buffer, evaluations: Sequence[float]) -> None:
        """Writes the checkpoint of `step` steps done."""
        began = time.monotonic()
        shared, keep = checks.fingerprint(self._job.spec), self._job.spec.checkpoint.keep
        written = checkpoint.write(self._folder.checkpoints, step, buffer, shared, evaluations, keep)
        self._saved = time.monotonic()
        self._reporter.checkpoint(CheckpointWritten(step=step, size_bytes=written.size_bytes, stall_s=self._saved - began))

    def ended(self, event: AttemptEnded) -> None:
        self._reporter.ended(event)
        if event.digest:
            say(f"{event.cause} at step {event.step}")
            say(f"parameters sha256:{event.digest}")

    def close(self) -> None:
        """Delivers what the coordinator does not have yet, as far as it listens."""
        if self._link:
            self._link.close(self._journal.sequence)
        self._journal.close()
