"""Rank 0's reports: points gathered for a tenth of a second, then one record for all of them.

A step hands in the sums that its vote has found; what they say is worked out when they are written, not in the step.
"""

import time
from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np

from bptrain.v1.report_pb2 import (AttemptEnded, AttemptStarted, CheckpointFailed, CheckpointWritten, Column, Compiling, CrewChanged, EpochEnded, Pace, Points,
                                   Report, Sample)
from worker.record.journal import Journal

FLUSH_S = 0.1
SUMS = ()  # stands for the series that sums have


class Reporter:
    """Writes to the journal and tells `notify` that there is something new."""

    def __init__(self, journal: Journal, attempt: int, summaries: Callable[[np.ndarray], Mapping[str, Sequence[float]]] = dict,
                 notify: Callable[[], None] = lambda: None, most: int = 32):
        """`summaries`: a table of sums → values by series. `most`: rows that wait, at most."""
        self._journal, self._attempt, self._summaries, self._notify, self._most = journal, attempt, summaries, notify, most
        self._rows: list[tuple[int, float, Mapping[str, float] | np.ndarray]] = []
        self._series: Collection[str] = SUMS  # of the rows that wait
        self._flushed = time.monotonic()

    def started(self, event: AttemptStarted) -> None:
        self._append(started=event)

    def crew_changed(self, event: CrewChanged) -> None:
        self._append(crew=event)

    def point(self, step: int, values: Mapping[str, float], when: float | None = None) -> None:
        """A row of the curve, committed at `when` in Unix seconds, or now. Rows with the same series travel together."""
        self._wait(values.keys(), step, values, when)
        self.look()

    def sums(self, step: int, row: np.ndarray, when: float | None = None) -> None:
        """The same of a row of sums, which waits for `look`, or for many to be waiting."""
        self._wait(SUMS, step, row, when)

    def _wait(self, series: Collection[str], step: int, row: Mapping[str, float] | np.ndarray, when: float | None) -> None:
        if self._rows and series != self._series:
            self._flush()
        self._series = series
        self._rows.append((step, time.time() if when is None else when, row))
        if len(self._rows) >= self._most:
            self._flush()

    def look(self) -> None:
        """Writes what has waited for long enough."""
        if time.monotonic() - self._flushed >= FLUSH_S:
            self._flush()

    def checkpoint(self, event: CheckpointWritten) -> None:
        self._append(checkpoint=event)

    def checkpoint_failed(self, event: CheckpointFailed) -> None:
        self._append(checkpoint_failed=event)

    def epoch_ended(self, event: EpochEnded) -> None:
        self._append(epoch=event)

    def paced(self, event: Pace) -> None:
        self._append(pace=event)

    def compiling(self, event: Compiling) -> None:
        self._append(compiling=event)

    def sampled(self, event: Sample) -> None:
        self._append(sample=event)

    def ended(self, event: AttemptEnded, say: Callable[[], None] = lambda: None) -> None:
        """`say`: says so in the log, where whoever is told of the end finds it then."""
        self._flush()
        self._write(ended=event)
        self._journal.sync()
        say()
        self._notify()

    def _append(self, **event: object) -> None:
        self._flush()
        self._write(**event)
        self._notify()

    def _write(self, **event: object) -> None:
        self._journal.append(Report(attempt=self._attempt, time=time.time(), **event))

    def _flush(self) -> None:
        rows, self._rows, self._flushed = self._rows, [], time.monotonic()
        if rows:
            steps, times, values = zip(*rows)
            series = self._summaries(np.array(values)) if self._series is SUMS else {name: [row[name] for row in values] for name in values[0]}
            columns = [Column(series=name, values=each) for name, each in series.items()]
            self._append(points=Points(steps=steps, times=times, columns=columns))
