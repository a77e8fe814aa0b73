"""Reports → what is known of a run: its progress, its end, and for a terminal its curves.

1. One fold for everyone: the coordinator's intake (whose curves are in store/points.py), `watch`, and `run` without a
   coordinator.
2. A restarted attempt takes back the points from its first step on; they come again, with the same bits.
   So a curve has each step once.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import Self

from bptrain.v1.job_service_pb2 import Progress
from bptrain.v1.report_pb2 import AttemptEnded, AttemptStarted, CheckpointWritten, CrewChanged, Points, RankInfo, Report

RATE_WINDOW_S = 3.0


class Series:
    """One curve, ascending by step."""

    def __init__(self) -> None:
        self.steps: list[int] = []
        self.values: list[float] = []

    def rewind(self, step: int) -> None:
        """Forgets the points from `step` on."""
        keep = bisect_left(self.steps, step)
        del self.steps[keep:], self.values[keep:]


class RunState:
    """Everything but the curves; as large for a long run as for a short one."""

    def __init__(self, epochs: int = 0):
        self.progress = Progress(epochs=epochs)
        self.crew: Sequence[RankInfo] = ()  # the ranks that train now
        self.started: AttemptStarted | None = None
        self.ended: AttemptEnded | None = None
        self.checkpoint: CheckpointWritten | None = None
        self._marks: list[tuple[int, float]] = []  # (steps done, when), over the rate's window

    def apply_all(self, reports: Iterable[Report]) -> Self:
        for report in reports:
            self.apply(report)
        return self

    def apply(self, report: Report) -> None:
        kind = report.WhichOneof("event")
        if kind == "started":
            self.apply_started(report.started)
        elif kind == "crew":
            self.apply_crew(report.crew)
        elif kind == "points":
            self.apply_points(report.points)
        elif kind == "pace":
            self.progress.pace.CopyFrom(report.pace)
        elif kind == "compiling":
            self.progress.compiling.CopyFrom(report.compiling)
        elif kind == "sample":
            self.progress.sample.CopyFrom(report.sample)
        elif kind == "checkpoint":
            self.checkpoint = report.checkpoint
        elif kind == "ended":
            self.apply_ended(report.ended)

    def apply_started(self, event: AttemptStarted) -> None:
        self.started, self.ended, self._marks = event, None, []
        self.progress.step, self.progress.total_steps = event.first_step, event.total_steps
        self.progress.samples_s = self.progress.left_s = 0
        self.progress.ClearField("pace")
        self.progress.ClearField("compiling")
        self.crew = event.ranks

    def apply_crew(self, event: CrewChanged) -> None:
        self.crew = event.ranks

    def apply_points(self, points: Points) -> None:
        self.progress.ClearField("compiling")
        if points.columns and points.columns[0].series.startswith("eval_"):
            return
        self._advance(points.steps[-1] + 1, points.times[-1])

    def apply_ended(self, event: AttemptEnded) -> None:
        self.ended = event
        self.progress.left_s = 0

    def _advance(self, step: int, now: float) -> None:
        progress, started = self.progress, self.started
        progress.step = step
        self._marks = [mark for mark in self._marks if mark[1] > now - RATE_WINDOW_S] + [(step, now)]
        if started is None:
            return
        progress.epoch = (step - 1) // max(1, started.steps_per_epoch) + 1
        first, since = self._marks[0]
        passed = now - since
        if passed > 0:
            steps_s = (step - first) / passed
            progress.samples_s = steps_s * started.batch_size
            progress.left_s = (progress.total_steps - step) / steps_s if steps_s > 0 else 0


class RunView(RunState):
    """The curves, too."""

    def __init__(self, epochs: int = 0):
        super().__init__(epochs)
        self.series: dict[str, Series] = {}

    @property
    def latest(self) -> dict[str, float]:
        """Newest value of each series."""
        return {name: series.values[-1] for name, series in self.series.items() if series.values}

    def apply_started(self, event: AttemptStarted) -> None:
        super().apply_started(event)
        for series in self.series.values():
            series.rewind(event.first_step)

    def apply_points(self, points: Points) -> None:
        for column in points.columns:
            series = self.series.setdefault(column.series, Series())
            series.steps.extend(points.steps)
            series.values.extend(column.values)
        super().apply_points(points)
