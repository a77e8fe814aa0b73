"""Several jobs as they go, in one picture: their curves over each other, and of each a bar, its ranks and the time left;
plain lines without a terminal.

1. Each job is followed in a thread of its own, on a stream that goes on after a dropped line; one thread draws.
2. A number of curves beyond the colors there are is told apart by the lines below.
"""

import queue
import sys
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import click
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from bptrain.v1.job_service_pb2 import Job
from coordinator.answers import Line
from coordinator.client import Client
from coordinator.jobs import states
from coordinator.terminal.chart import chart
from coordinator.terminal.columns import folded
from coordinator.terminal.display import REFRESH_S, duration, fold, rank_bars, thinned
from coordinator.terminal.line import sentence
from coordinator.views.run import RunView
from worker.record.console import say


class Picture:
    """`series`: which curves."""

    def __init__(self, jobs: Sequence[Job], series: Collection[str], console: Console):
        self.names, self._series, self._console = _names(jobs), series, console
        self._views = {job.id: RunView(job.spec.epochs) for job in jobs}
        self._states = {job.id: job.state for job in jobs}
        self._down: dict[str, Line] = {}

    def line(self, job_id: str, line: Line) -> bool:
        """Of one stream has broken or is back; whether that is news: it is one line for all of them."""
        before = bool(self._down)
        self._down.pop(job_id, None)
        if not line.back:
            self._down[job_id] = line
        return before != bool(self._down)

    def apply(self, job_id: str, kind: str, message: Any) -> None:
        fold(self._views[job_id], kind, message)
        if kind == "transition":
            self._states[job_id] = message.to

    def render(self) -> Group:
        width, height = self._console.size
        curves = {f"{name} of {self.names[job_id]}": thinned(view.series[name], 4 * width)
                  for job_id, view in self._views.items() for name in self._series if name in view.series}
        bars = [line for job_id, view in self._views.items() if self._states[job_id] not in states.FINAL
                for line in (Text(self.names[job_id], style="bold"), *rank_bars(view.progress.pace))] if height > 24 else []
        room = height - 4 - len(self._views) - len(bars)
        said = [Text(sentence(line), style="bold") for line in [*self._down.values()][:1]]
        return Group(chart(curves, min(width - 1, 120), max(6, min(18, room - len(said)))), self._rows(), *bars, *said)

    def _rows(self) -> Table:
        table = Table(box=None, pad_edge=False, header_style="dim")
        for heading in ("job", "state", "done", "step", *self._series, "samples/s", "left"):
            table.add_column(heading, no_wrap=True, overflow="ellipsis")
        for job_id, view in self._views.items():
            progress = view.progress
            table.add_row(Text(self.names[job_id], style="bold"), states.label(self._states[job_id]), f"{100 * progress.step // max(1, progress.total_steps)} %",
                          f"{progress.step}/{progress.total_steps}", *(f"{view.latest[name]:.4g}" if name in view.latest else "" for name in self._series),
                          f"{progress.samples_s:,.0f}" if progress.samples_s else "", duration(progress.left_s) if progress.left_s and self._states[job_id] not in states.FINAL else "")
        return table


def watch(client: Client, jobs: Sequence[Job], series: Collection[str]) -> int:
    """Until all have ended; 0 if all succeeded. Ctrl-C leaves them running."""
    console = Console()
    picture, ends = Picture(jobs, series, console), {}
    try:
        with Live(console=console, auto_refresh=False) if sys.stdout.isatty() else _Lines() as screen:
            drawn = 0.0
            for job_id, message in _news(client, [job.id for job in jobs]):
                if isinstance(message, Line):
                    if picture.line(job_id, message) and isinstance(screen, _Lines):
                        say(sentence(message))
                    screen.update(picture.render(), refresh=True)
                    continue
                kind = message.WhichOneof("event")
                picture.apply(job_id, kind, getattr(message, kind))
                if kind == "ended":
                    ends[job_id] = message.ended
                if time.monotonic() - drawn > REFRESH_S or len(ends) == len(jobs):
                    drawn = time.monotonic()
                    screen.update(picture.render(), refresh=True)
                if kind == "transition" and isinstance(screen, _Lines):
                    say(f"{picture.names[job_id]}: {states.label(message.transition.to)}: {message.transition.cause}")
    except KeyboardInterrupt:
        click.echo(f"the jobs go on; watch them again with: bptrain watch {' '.join(job.id for job in jobs)}", err=True)
        return 130
    for job_id, end in ends.items():
        click.echo(folded(f"{picture.names[job_id]} {job_id}  {states.label(end.state)}: {end.cause}"))
    return 0 if all(end.state == states.SUCCEEDED for end in ends.values()) else 1


class _Lines:
    """Where nothing can be drawn."""

    def __enter__(self) -> "_Lines":
        return self

    def __exit__(self, *_: object) -> None: ...

    def update(self, picture: Group, refresh: bool) -> None: ...


def _news(client: Client, job_ids: Sequence[str]):
    """(job, message or Line) of all, as they come, until each has ended. Raises what a stream raises."""
    news: queue.SimpleQueue = queue.SimpleQueue()
    for job_id in job_ids:
        threading.Thread(target=_follow, args=(client, job_id, news), daemon=True).start()
    left = set(job_ids)
    while left:
        job_id, message = news.get()
        if isinstance(message, Exception):
            raise message
        yield job_id, message
        if not isinstance(message, Line) and message.HasField("ended"):
            left.discard(job_id)


def _follow(client: Client, job_id: str, news: queue.SimpleQueue) -> None:
    try:
        for message in client.messages(job_id, told=lambda line: news.put((job_id, line))):
            news.put((job_id, message))
    except Exception as error:
        news.put((job_id, error))


def _names(jobs: Sequence[Job]) -> Mapping[str, str]:
    """Job → what it is called: its name, with the end of its id where another is called so, too."""
    names = [job.spec.name for job in jobs]
    return {job.id: name if names.count(name) == 1 else f"{name} {job.id[-5:]}" for job, name in zip(jobs, names)}
