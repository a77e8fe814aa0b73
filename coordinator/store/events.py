"""Rows of the table `events`: transitions and reports of every job, in one order."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from bptrain.v1.job_service_pb2 import Transition
from bptrain.v1.report_pb2 import Report

PAGE = 200  # events read at once


@dataclass(frozen=True)
class Event:
    """One row; exactly one of `report` and `transition` is set."""

    revision: int
    report: Report | None
    transition: Transition | None


def add_transition(connection: sqlite3.Connection, job_id: str, transition: Transition) -> None:
    connection.execute("INSERT INTO events (job_id, payload) VALUES (?, ?)", (job_id, transition.SerializeToString()))


def add_reports(connection: sqlite3.Connection, job_id: str, reports: Iterable[Report]) -> list[Report]:
    """Stores what follows on what is stored, without a hole; returns just that."""
    last, new = last_sequence(connection, job_id), []
    for report in reports:
        if report.sequence == last + 1:
            connection.execute("INSERT INTO events (job_id, sequence, payload) VALUES (?, ?, ?)",
                               (job_id, report.sequence, report.SerializeToString()))
            new.append(report)
            last += 1
    return new


def last_sequence(connection: sqlite3.Connection, job_id: str) -> int:
    """Of the newest stored report; 0 when there is none."""
    return connection.execute("SELECT coalesce(max(sequence), 0) FROM events WHERE job_id = ?", (job_id,)).fetchone()[0]


def after(connection: sqlite3.Connection, job_id: str, revision: int, limit: int = PAGE) -> list[Event]:
    """The job's next events, in order."""
    rows = connection.execute("SELECT * FROM events WHERE job_id = ? AND revision > ? ORDER BY revision LIMIT ?",
                              (job_id, revision, limit))
    return [_event(row) for row in rows]


def newest_but(connection: sqlite3.Connection, job_id: str, count: int) -> int:
    """Revision of the newest event that has so many behind it; 0 where there are not as many."""
    row = connection.execute("SELECT revision FROM events WHERE job_id = ? ORDER BY revision DESC LIMIT 1 OFFSET ?", (job_id, count)).fetchone()
    return row["revision"] if row else 0


def reports(connection: sqlite3.Connection, job_id: str) -> Iterable[Report]:
    rows = connection.execute("SELECT payload FROM events WHERE job_id = ? AND sequence > 0 ORDER BY revision", (job_id,))
    return (Report.FromString(row["payload"]) for row in rows)


def transitions(connection: sqlite3.Connection, job_id: str) -> list[Transition]:
    rows = connection.execute("SELECT payload FROM events WHERE job_id = ? AND sequence IS NULL ORDER BY revision", (job_id,))
    return [Transition.FromString(row["payload"]) for row in rows]


def changes_after(connection: sqlite3.Connection, revision: int, limit: int = PAGE) -> list[tuple[int, str, Transition]]:
    """(revision, job, change) of all jobs, in order."""
    rows = connection.execute("SELECT revision, job_id, payload FROM events WHERE sequence IS NULL AND revision > ? ORDER BY revision LIMIT ?",
                              (revision, limit))
    return [(row["revision"], row["job_id"], Transition.FromString(row["payload"])) for row in rows]


def last_revision(connection: sqlite3.Connection) -> int:
    """Of the newest change of any job; 0 when there is none."""
    return connection.execute("SELECT coalesce(max(revision), 0) FROM events WHERE sequence IS NULL").fetchone()[0]


def last_purged(connection: sqlite3.Connection) -> int:
    """Of the newest change that is not kept any more; 0 when all are."""
    return connection.execute("SELECT revision FROM purged").fetchone()[0]


def exists(connection: sqlite3.Connection, job_id: str, revision: int) -> bool:
    """Whether that is an event of this job."""
    return connection.execute("SELECT 1 FROM events WHERE revision = ? AND job_id = ?", (revision, job_id)).fetchone() is not None


def is_lost(connection: sqlite3.Connection, revision: int) -> bool:
    """Whether that was given before the store was put back to a copy which does not have it."""
    return connection.execute("SELECT 1 FROM lost WHERE behind < ? AND ? <= last", (revision, revision)).fetchone() is not None


def report_before(connection: sqlite3.Connection, job_id: str, column: str, value: int) -> tuple[int, int]:
    """(revision, sequence number) of the job's last report whose `column`, one of these, is at most `value`; zeros where there
    is none."""
    row = connection.execute(f"SELECT revision, sequence FROM events WHERE job_id = ? AND {column} <= ? AND sequence > 0 ORDER BY {column} DESC LIMIT 1",
                             (job_id, value)).fetchone()
    return (row["revision"], row["sequence"]) if row else (0, 0)


def _event(row: sqlite3.Row) -> Event:
    if row["sequence"] is None:
        return Event(row["revision"], None, Transition.FromString(row["payload"]))
    return Event(row["revision"], Report.FromString(row["payload"]), None)
