"""A run as it goes: a bar, the time left, samples a second and the loss curve; plain lines without a
terminal.

Both displays take the same events, from a coordinator's stream or from a journal.
"""

import sys
import time
from collections.abc import Collection
from typing import Any, Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from bptrain.v1.report_pb2 import AttemptEnded, CheckpointFailed, CrewChanged, Pace
from coordinator.jobs import slowness, states
from coordinator.terminal.chart import chart
from coordinator.views.run import RunView
from coordinator.views.thinning import thin
from worker.record.console import Lines, compiling_sentence, sample_sentence, say

REFRESH_S = 0.12
BAR, MOST_BARS = 30, 8


class Display(Protocol):
    """Used as a context: what is drawn stays on the screen afterwards."""

    view: RunView

    def __enter__(self) -> "Display": ...
    def __exit__(self, *_: object) -> None: ...

    def apply(self, kind: str, message: Any) -> None:
        """`kind`: transition, started, crew, points, sample, compiling, checkpoint, checkpoint_failed or ended, with its message."""

    def note(self, sentence: str) -> None:
        """Something that people should know."""


def display(title: str, epochs: int, series: Collection[str] = ()) -> Display:
    """The one that fits standard output. `series`: curves to draw; none named: every loss."""
    return LiveDisplay(title, epochs, series) if sys.stdout.isatty() else PlainDisplay(title, epochs)


def fold(view: RunView, kind: str, message: Any) -> None:
    if kind == "started":
        view.apply_started(message)
    elif kind == "crew":
        view.apply_crew(message)
    elif kind == "points":
        view.apply_points(message)
    elif kind == "pace":
        view.progress.pace.CopyFrom(message)
    elif kind == "compiling":
        view.progress.compiling.CopyFrom(message)
    elif kind == "sample":
        view.progress.sample.CopyFrom(message)
    elif kind == "checkpoint":
        view.checkpoint = message
    elif isinstance(message, AttemptEnded):
        view.apply_ended(message)


class PlainDisplay:
    def __init__(self, title: str, epochs: int):
        self.view = RunView(epochs)
        self._title = title
        self._lines: Lines | None = None

    def __enter__(self) -> "PlainDisplay":
        say(self._title)
        return self

    def __exit__(self, *_: object) -> None: ...

    def apply(self, kind: str, message: Any) -> None:
        fold(self.view, kind, message)
        if kind == "transition" and message.to not in states.FINAL:  # the end is said by whoever watches
            say(f"{states.label(message.to)}: {message.cause}")
        elif kind == "crew":
            say(crew_sentence(message))
        elif kind == "checkpoint_failed":
            say(failure_sentence(message))
        elif kind == "compiling":
            say(compiling_sentence(message))
        elif kind == "sample":
            say(sample_sentence(message))
        elif kind == "started":
            self._lines = Lines(message.first_step, message.total_steps, message.steps_per_epoch, message.batch_size)
        elif kind == "points" and self._lines:
            values = {column.series: column.values[-1] for column in message.columns}
            self._lines.say(message.steps[-1], values, message.times[-1], now=any(name.startswith("eval_") for name in values))

    def note(self, sentence: str) -> None:
        say(sentence)


class LiveDisplay:
    def __init__(self, title: str, epochs: int, series: Collection[str] = (), console: Console | None = None):
        self.view = RunView(epochs)
        self._title, self._series, self._status = title, series, ""
        self._console = console or Console()
        self._live = Live(console=self._console, auto_refresh=False)
        self._drawn = 0.0

    def __enter__(self) -> "LiveDisplay":
        self._live.start()
        self._draw()
        return self

    def __exit__(self, *_: object) -> None:
        self._draw()
        self._live.stop()

    def apply(self, kind: str, message: Any) -> None:
        fold(self.view, kind, message)
        if kind == "transition":
            self._status = f"{states.label(message.to)}: {message.cause}"
            if message.to in states.FINAL:
                self.view.progress.left_s = 0
                self.view.progress.ClearField("pace")
        elif kind == "crew":
            self._status = crew_sentence(message)
        elif kind == "checkpoint_failed":
            self._status = failure_sentence(message)
        elif kind == "compiling":
            self._status = compiling_sentence(message)
        if kind != "points" or time.monotonic() - self._drawn > REFRESH_S:
            self._draw()

    def note(self, sentence: str) -> None:
        self._status = sentence
        self._draw()

    def _draw(self) -> None:
        self._drawn = time.monotonic()
        self._live.update(self.render(), refresh=True)

    def render(self) -> Group:
        head = Text.assemble((self._title, "bold"), "  ", (self._status, "dim"), overflow="ellipsis", no_wrap=True)
        width, height = self._console.size
        losses = {name: series for name, series in self.view.series.items() if name in self._series or not self._series and name.endswith("loss")}
        curves = {name: thinned(series, 4 * width) for name, series in losses.items()}
        ranks = rank_bars(self.view.progress.pace)
        said = [Text(sample_sentence(self.view.progress.sample)[:2 * width], style="dim")] if self.view.progress.HasField("sample") else []
        lines = max(6, min(16, height - 5 - len(ranks) - 2 * len(said)))
        return Group(head, chart(curves, min(width - 1, 100), lines), self._bar(), self._numbers(), *ranks, *said)

    def _bar(self) -> Table:
        progress = self.view.progress
        row = Table.grid(padding=(0, 2))
        figures = (f"epoch {progress.epoch}/{progress.epochs}", f"step {progress.step}/{progress.total_steps}",
                   f"{progress.samples_s:,.0f} samples/s", f"{duration(progress.left_s)} left" if progress.left_s else "")
        row.add_row(ProgressBar(total=max(1, progress.total_steps), completed=progress.step, width=30), *(figures if progress.total_steps else ("not begun",)))
        return row

    def _numbers(self) -> Text:
        return Text("   ".join(f"{name} {value:.4g}" for name, value in self.view.latest.items()))


def rank_bars(pace: Pace) -> list[Text]:
    """What the ranks' steps go into: a bar each for what it computes, and what most of a step goes into."""
    if len(pace.rank_s) > MOST_BARS or not pace.step_s:
        return []
    bars = [Text.assemble((f"rank {rank} ", "dim"), ("█" * round(BAR * min(1.0, seconds / pace.step_s))).ljust(BAR, "░"), (f" {short(seconds)}", "dim"))
            for rank, seconds in enumerate(pace.rank_s)]
    return [*bars, Text(slowness.of_step(pace), style="dim", overflow="ellipsis", no_wrap=True)]


def crew_sentence(change: CrewChanged) -> str:
    """Who came and went, and that it goes on."""
    parts = [f"rank {lost.rank} on {lost.host} {lost.cause}" for lost in change.lost]
    parts += [f"{change.joined} rank(s) joined"] if change.joined else []
    return f"{', '.join(parts)}; going on with {len(change.ranks)} rank(s) at step {change.step} after {change.stall_s:.2f} s"


def failure_sentence(failed: CheckpointFailed) -> str:
    return f"the checkpoint of step {failed.step} could not be written: {failed.cause}"


def thinned(series: Any, limit: int) -> tuple[list[int], list[float]]:
    kept = thin(series.values, limit)
    return [series.steps[i] for i in kept], [series.values[i] for i in kept]


def short(seconds: float) -> str:
    """`9.38 ms`, `1.24 s`."""
    return f"{seconds:.3g} s" if seconds >= slowness.LONG_S else f"{1000 * seconds:.3g} ms"


def duration(seconds: float) -> str:
    """`4 s`, `3:07`, `2:03:07`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"
