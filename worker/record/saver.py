"""When rank 0 writes checkpoints, and how: while the training goes on.

1. The training waits for one copy in memory; a thread writes that copy. The memory is taken once, by the thread:
   pages that are written for the first time cost ten times as much.
2. One at a time. What is due by time is put off until the one before it is written; what is due by steps, or is
   the best so far, cannot be had later, so the training waits.
3. A disk that fails costs a checkpoint, not the training: it is said once, and the next one tries again.
4. The thread touches nothing but its files. What became of it is reported by the training's own thread.
"""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bptrain.v1.report_pb2 import CheckpointFailed, CheckpointWritten
from bptrain.v1.spec_pb2 import JobSpec
from worker.comm.watch import Watch
from worker.jobs import specs
from worker.node.replica import Buffer, Replica
from worker.record import checkpoint
from worker.record.console import say
from worker.record.reporter import Reporter
from worker.tally import Tally

BEAT_S = 0.5


@dataclass(frozen=True)
class Begun:
    """A checkpoint that is being written. `writing`: gives its size and the seconds that it took."""

    step: int
    stall_s: float
    writing: Future[tuple[int, float]]


class Saver:
    def __init__(self, folder: Path, spec: JobSpec, reporter: Reporter, learned: Mapping[str, Any] = MappingProxyType({})):
        self._learned = learned
        self._folder, self._rule, self._shared, self._reporter = folder, spec.checkpoint, specs.fingerprint(spec), reporter
        self._every_steps, self._every_s = spec.checkpoint.every_steps, spec.checkpoint.every_s
        self._thread = ThreadPoolExecutor(1, "checkpoint")
        self._begun: Begun | None = None
        self._spare: Future[Buffer] | None = None
        self._saved = time.monotonic()
        self._failure = ""

    def prepare(self, buffer: Buffer) -> None:
        """Takes the memory for a copy of `buffer`."""
        self._spare = self._spare or self._thread.submit(buffer.like)

    def is_due(self, step: int) -> bool:
        """Whether one is wanted after this step."""
        if self._every_steps and (step + 1) % self._every_steps == 0:
            return True
        return self._begun is None and time.monotonic() - self._saved >= self._every_s

    def is_best(self, evaluations: Sequence[float]) -> bool:
        """Whether one is wanted after the newest of these held-out losses."""
        return self._rule.keep_best and checkpoint.best(evaluations) == len(evaluations) - 1

    def save(self, replica: Replica, evaluations: Sequence[float], steps_per_epoch: int, watch: Watch) -> None:
        """Begins to write a checkpoint. `watch` is told while this waits."""
        began = time.monotonic()
        self.finish(watch)
        self.prepare(replica.current)
        spare = self._spare.result()
        spare.copy_from(replica.current)
        best = steps_per_epoch * (checkpoint.best(evaluations) + 1) if self._rule.keep_best else -1
        self._saved = time.monotonic()
        writing = self._thread.submit(self._write, replica.steps, spare, list(evaluations), best, replica.used)
        self._begun = Begun(replica.steps, self._saved - began, writing)

    def look(self) -> None:
        """Reports what has been written since the last look."""
        begun = self._begun
        if begun is None or not begun.writing.done():
            return
        self._begun = None
        try:
            size_bytes, write_s = begun.writing.result()
        except OSError as error:
            self._fail(begun.step, error.strerror or str(error))
            return
        self._failure = ""
        self._reporter.checkpoint(CheckpointWritten(step=begun.step, size_bytes=size_bytes, stall_s=begun.stall_s, write_s=write_s))

    def finish(self, watch: Watch | None = None) -> str:
        """Waits until it is written; why the last one is not on disk, empty where it is."""
        while self._begun:
            wait([self._begun.writing], BEAT_S)
            if watch:
                watch.goes_on()
            self.look()
        return self._failure

    def _write(self, step: int, buffer: Buffer, evaluations: Sequence[float], best: int, used: Tally) -> tuple[int, float]:
        """In the thread."""
        began = time.monotonic()
        written = checkpoint.write(self._folder, step, buffer, self._shared, evaluations, self._rule.keep, best, used, self._learned)
        return written.size_bytes, time.monotonic() - began

    def _fail(self, step: int, cause: str) -> None:
        if not self._failure:
            say(f"the checkpoint of step {step} could not be written: {cause}; the training goes on, the next one tries again")
            self._reporter.checkpoint_failed(CheckpointFailed(step=step, cause=cause))
        self._failure = cause
