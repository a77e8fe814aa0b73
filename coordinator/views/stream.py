"""Stored events → the messages of WatchMetrics, and the cursors between them.

A cursor is JOB.REVISION.SEQUENCE, with the sequence number of the last report up to there; with :K behind it, it skips the first K
rows of the points behind it. Readers treat it as opaque, but for the documented `:K`.

Where the store was put back to a copy that ends before a cursor, the revision stands for nothing, but the sequence number still
does: the ranks' journal has the same reports, and they come in again. So its reader goes on, and gets no row twice.
"""

import re
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bptrain.v1.metric_service_pb2 import Bookmark, Gap, JobEnded, WatchMetricsResponse
from bptrain.v1.report_pb2 import Column, Points
from coordinator.errors import Refusal
from coordinator.store import events
from coordinator.store.events import Event

BOOKMARK_S = 10.0


@dataclass(unsafe_hash=True)
class Position:
    """Where one reader stands. `skip`: rows of the next report that it has already; `sequence`: of the last report, None where
    the cursor does not say; `seen`: reports up to this one come again and are not shown again, 0 where none do."""

    job_id: str
    revision: int = 0
    skip: int = 0
    sequence: int | None = 0
    seen: int = 0

    @classmethod
    def parse(cls, job_id: str, cursor: str) -> "Position":
        """Raises Refusal CURSOR_FOREIGN."""
        if not cursor:
            return cls(job_id)
        match = re.fullmatch(re.escape(job_id) + r"\.(\d{1,18})(?:\.(\d{1,18}))?(?::(\d{1,18}))?", cursor)
        if match is None:
            raise Refusal("CURSOR_FOREIGN", cursor=cursor, job=job_id)
        return cls(job_id, int(match[1]), int(match[3] or 0), int(match[2]) if match[2] else None)

    def found(self, connection: sqlite3.Connection) -> bool:
        """Finds what the cursor stands for; False where that was never an event of the job."""
        if self.revision and not events.exists(connection, self.job_id, self.revision):
            if self.sequence is None or not events.is_lost(connection, self.revision):
                return False
            self.revision, _ = events.report_before(connection, self.job_id, "sequence", self.sequence)
        _, stored = events.report_before(connection, self.job_id, "revision", self.revision)
        self.seen = self.sequence if self.sequence and self.sequence > stored else 0
        self.sequence = self.seen or stored
        return True

    def messages_of(self, found: Sequence[Event], newest: int) -> Iterator[WatchMetricsResponse]:
        """What stored events show to a reader for whom points up to the revision `newest` are too old; moves behind them."""
        left_out: list[Event] = []
        for event in found:
            if event.report is not None and event.report.sequence <= self.seen:
                self.revision = event.revision
                continue
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
        self._move(left_out[-1])
        if steps:
            gap = Gap(first_step=min(steps), last_step=max(steps), rows=len(steps))
            yield WatchMetricsResponse(cursor=str(self), cursor_before=before, gap=gap)

    def messages(self, event: Event) -> Iterator[WatchMetricsResponse]:
        """What one stored event shows to readers; moves behind it."""
        before, skip = str(self), self.skip
        self._move(event)
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
        yield message

    def _move(self, event: Event) -> None:
        """Behind it. A change of state has no rows, so those to skip come later."""
        self.revision = event.revision
        if event.report is not None:
            self.sequence, self.skip, self.seen = event.report.sequence, 0, 0

    def bookmark(self) -> WatchMetricsResponse:
        return WatchMetricsResponse(cursor=str(self), cursor_before=str(self), bookmark=Bookmark())

    def ended(self, row: sqlite3.Row) -> WatchMetricsResponse:
        end = JobEnded(state=row["state"], cause=row["cause"], digest=row["digest"])
        return WatchMetricsResponse(cursor=str(self), cursor_before=str(self), ended=end)

    def __str__(self) -> str:
        return f"{self.job_id}.{self.revision}.{self.sequence}" + (f":{self.skip}" if self.skip else "")


def _behind(points: Points, skip: int) -> Points:
    """The rows after the first `skip`."""
    columns = [Column(series=column.series, values=column.values[skip:]) for column in points.columns]
    return Points(steps=points.steps[skip:], times=points.times[skip:], columns=columns)
