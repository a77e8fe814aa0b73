"""Stored events → the messages of WatchMetrics, and the cursors between them.

A cursor is JOB.REVISION; JOB.REVISION:K skips the first K rows of the points behind it. Readers treat
it as opaque, but for the documented `:K`.
"""

import re
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bptrain.v1.metric_service_pb2 import Bookmark, Gap, JobEnded, WatchMetricsResponse
from bptrain.v1.report_pb2 import Column, Points
from coordinator.errors import Refusal
from coordinator.store.events import Event

BOOKMARK_S = 10.0


@dataclass
class Position:
    """Where one reader stands. `skip`: rows of the next points that it has already."""

    job_id: str
    revision: int = 0
    skip: int = 0

    @classmethod
    def parse(cls, job_id: str, cursor: str) -> "Position":
        """Raises Refusal CURSOR_FOREIGN."""
        if not cursor:
            return cls(job_id)
        match = re.fullmatch(re.escape(job_id) + r"\.(\d{1,18})(?::(\d{1,18}))?", cursor)
        if match is None:
            raise Refusal("CURSOR_FOREIGN", cursor=cursor, job=job_id)
        return cls(job_id, int(match[1]), int(match[2] or 0))

    def messages_of(self, found: Sequence[Event], newest: int) -> Iterator[WatchMetricsResponse]:
        """What stored events show to a reader for whom points up to the revision `newest` are too old; moves behind them."""
        left_out: list[Event] = []
        for event in found:
            if event.revision <= newest and event.report is not None and event.report.HasField("points"):
                left_out.append(event)
                continue
            yield from self._gap(left_out)
            left_out = []
            yield from self.messages(event)
        yield from self._gap(left_out)

    def _gap(self, left_out: Sequence[Event]) -> Iterator[WatchMetricsResponse]:
        if not left_out:
            return
        before, steps = str(self), [step for event in left_out for step in event.report.points.steps][self.skip:]
        self.revision, self.skip = left_out[-1].revision, 0
        if steps:
            gap = Gap(first_step=min(steps), last_step=max(steps), rows=len(steps))
            yield WatchMetricsResponse(cursor=str(self), cursor_before=before, gap=gap)

    def messages(self, event: Event) -> Iterator[WatchMetricsResponse]:
        """What one stored event shows to readers; moves behind it."""
        before, skip = str(self), self.skip
        self.revision, self.skip = event.revision, 0
        message = WatchMetricsResponse(cursor=str(self), cursor_before=before)
        if event.transition is not None:
            message.transition.CopyFrom(event.transition)
        else:
            kind = event.report.WhichOneof("event")
            if kind == "ended":  # one attempt's end; the job's own is `ended` below
                return
            getattr(message, kind).CopyFrom(getattr(event.report, kind))
            if kind == "points" and skip:
                message.points.CopyFrom(_behind(message.points, skip))
                message.cursor_before = f"{before}:{skip}"
        yield message

    def bookmark(self) -> WatchMetricsResponse:
        return WatchMetricsResponse(cursor=str(self), cursor_before=str(self), bookmark=Bookmark())

    def ended(self, row: sqlite3.Row) -> WatchMetricsResponse:
        end = JobEnded(state=row["state"], cause=row["cause"], digest=row["digest"])
        return WatchMetricsResponse(cursor=str(self), cursor_before=str(self), ended=end)

    def __str__(self) -> str:
        return f"{self.job_id}.{self.revision}"


def _behind(points: Points, skip: int) -> Points:
    """The rows after the first `skip`."""
    columns = [Column(series=column.series, values=column.values[skip:]) for column in points.columns]
    return Points(steps=points.steps[skip:], times=points.times[skip:], columns=columns)
