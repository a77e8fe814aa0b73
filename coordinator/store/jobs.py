"""Rows of the table `jobs`. Functions take the connection of a transaction (store/database.py)."""

import json
import secrets
import sqlite3
import time
from collections.abc import Mapping, Sequence
from math import inf

from bptrain.v1.job_service_pb2 import Failure, Origin, Progress
from bptrain.v1.spec_pb2 import JobSpec
from coordinator.errors import Refusal
from coordinator.jobs import folds as division
from coordinator.jobs.filter import Condition
from coordinator.jobs.queue import Waiting
from coordinator.jobs.states import CANCELLING, FINAL, QUEUED
from worker.jobs.fields import deadline
from worker.jobs.specs import PRIORITY

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32


def new_id() -> str:
    """13 characters: microseconds, then chance. Later ids sort behind earlier ones."""
    number = (time.time_ns() // 1000 << 14) | secrets.randbits(14)
    return "".join(ALPHABET[(number >> shift) & 31] for shift in range(60, -1, -5))


def submitted(job_id: str) -> float:
    """Unix seconds at which a job got its id; a fold has that of its job."""
    number = 0
    for character in job_id.partition(division.DASH)[0]:
        number = number << 5 | ALPHABET.index(character)
    return (number >> 14) / 1e6


def add(connection: sqlite3.Connection, job_id: str, spec: JobSpec, run_dir: str, owner: str = "", origin: Origin = Origin(), token: str = "") -> None:
    """`owner`: name of the token that submitted it, empty without one. `origin`: what it was forked from. `token`: that its ranks
    show; a new one unless they have one."""
    connection.execute(
        "INSERT INTO jobs (id, spec, token, state, cause, run_dir, owner, origin_job, origin_step) VALUES (?, x'', ?, 0, '', ?, ?, ?, ?)",
        (job_id, token or secrets.token_urlsafe(24), run_dir, owner, origin.job_id, origin.step))
    set_spec(connection, job_id, spec)


def get(connection: sqlite3.Connection, job_id: str) -> sqlite3.Row:
    """Raises Refusal JOB_NOT_FOUND."""
    row = connection.execute("SELECT * FROM jobs WHERE id = ?", (job_id,)).fetchone()
    if row is None:
        raise Refusal("JOB_NOT_FOUND", job=job_id)
    return row


def exists(connection: sqlite3.Connection, job_id: str) -> bool:
    return connection.execute("SELECT EXISTS (SELECT * FROM jobs WHERE id = ?)", (job_id,)).fetchone()[0] == 1


def in_folds(row: sqlite3.Row) -> Refusal:
    """For what only a job with ranks of its own can be asked for."""
    spec = JobSpec.FromString(row["spec"])
    return Refusal("IN_FOLDS", job=row["id"], folds=", ".join(fold_id for fold_id, _ in division.divided(row["id"], spec)))


def page(connection: sqlite3.Connection, size: int, before: str, conditions: Sequence[Condition] = ()) -> list[sqlite3.Row]:
    """At most `size` jobs for which all conditions hold, newest first, older than the job `before` (empty: from the newest on)."""
    parts = [*conditions, *([Condition("id < ?", (before,))] if before else [])]
    where = f"WHERE {' AND '.join(part.sql for part in parts)}" if parts else ""
    return connection.execute(f"SELECT * FROM jobs {where} ORDER BY id DESC LIMIT ?", [*(value for part in parts for value in part.values), size]).fetchall()


def in_states(connection: sqlite3.Connection, states: Sequence[int]) -> list[sqlite3.Row]:
    """Those that have ranks of their own, in order of submission."""
    marks = ", ".join("?" * len(states))
    return connection.execute(f"SELECT * FROM jobs WHERE state IN ({marks}) AND folds = 0 ORDER BY id", states).fetchall()


def folds(connection: sqlite3.Connection, job_id: str) -> list[sqlite3.Row]:
    """The jobs that this one is trained in; none for most."""
    return connection.execute("SELECT * FROM jobs WHERE id > ? AND id < ? ORDER BY id", (f"{job_id}{division.DASH}", f"{job_id}.")).fetchall()


def waits(row: str) -> str:
    """SQL: whether that row stands for a job that waits for slots."""
    return f"({row}.state = {int(QUEUED)} AND {row}.folds = 0)"


def waiting(connection: sqlite3.Connection) -> int:
    """How many."""
    return connection.execute("SELECT coalesce(sum(jobs), 0) FROM waiting").fetchone()[0]


def waiting_of(connection: sqlite3.Connection, owner: str) -> int:
    """How many of one owner's."""
    return connection.execute("SELECT coalesce(sum(jobs), 0) FROM waiting WHERE owner = ?", (owner,)).fetchone()[0]


def place(connection: sqlite3.Connection, row: sqlite3.Row) -> int:
    """Of a waiting job among those that wait, from 1; jobs/queue.py says who comes first."""
    before = connection.execute("SELECT sum(jobs) FROM waiting WHERE priority >= ?", (row["priority"],)).fetchone()[0]
    behind = connection.execute("SELECT count(*) FROM jobs WHERE state = ? AND folds = 0 AND priority = ? AND id > ?", (QUEUED, row["priority"], row["id"]))
    return before - behind.fetchone()[0]


def queue(connection: sqlite3.Connection) -> list[Waiting]:
    """The jobs that wait."""
    return [Waiting(*row) for row in connection.execute("SELECT id, ranks, priority, owner, not_before FROM jobs WHERE state = ? AND folds = 0", (QUEUED,))]


def overdue(connection: sqlite3.Connection, now: float) -> list[sqlite3.Row]:
    """Jobs that have not ended, but should have."""
    marks = ", ".join("?" * len(FINAL))
    return connection.execute(f"SELECT * FROM jobs WHERE folds = 0 AND deadline > 0 AND deadline <= ? AND state NOT IN ({marks}, ?)",
                              (now, *FINAL, CANCELLING)).fetchall()


def set_state(connection: sqlite3.Connection, job_id: str, state: int, cause: str) -> None:
    connection.execute("UPDATE jobs SET state = ?, cause = ?, version = version + 1 WHERE id = ?", (state, cause, job_id))


def set_spec(connection: sqlite3.Connection, job_id: str, spec: JobSpec) -> None:
    """With the columns that are made of it."""
    until = deadline(spec)
    connection.execute(
        "UPDATE jobs SET spec = ?, name = ?, labels = ?, priority = ?, ranks = ?, deadline = ?, folds = ?, version = version + 1 WHERE id = ?",
        (spec.SerializeToString(), spec.name, json.dumps(dict(spec.labels)), spec.priority, spec.ranks, until if until < inf else 0,
         division.count(spec), job_id))


def fill_columns(connection: sqlite3.Connection) -> None:
    """For a store that was made before there were columns of the spec."""
    for row in connection.execute("SELECT id, spec FROM jobs").fetchall():
        spec = JobSpec.FromString(row["spec"])
        spec.priority = spec.priority or PRIORITY
        set_spec(connection, row["id"], spec)


def set_deleted(connection: sqlite3.Connection, job_id: str, deleted: float, purge: float) -> None:
    connection.execute("UPDATE jobs SET deleted = ?, purge = ?, version = version + 1 WHERE id = ?", (deleted, purge, job_id))


def set_tries(connection: sqlite3.Connection, job_id: str, tries: int, not_before: float) -> None:
    connection.execute("UPDATE jobs SET tries = ?, not_before = ? WHERE id = ?", (tries, not_before, job_id))


def set_failure(connection: sqlite3.Connection, job_id: str, failure: Failure) -> None:
    connection.execute("UPDATE jobs SET failure = ? WHERE id = ?", (failure.SerializeToString(), job_id))


def to_purge(connection: sqlite3.Connection, now: float) -> list[sqlite3.Row]:
    """Deleted ones whose time is up and whose ranks are gone."""
    marks = ", ".join("?" * len(FINAL))
    return connection.execute(f"SELECT * FROM jobs INDEXED BY jobs_by_purge WHERE purge > 0 AND purge <= ? AND state IN ({marks})", (now, *FINAL)).fetchall()


def purge(connection: sqlite3.Connection, job_id: str) -> None:
    """Removes all rows of a job. Who watches all jobs from before its last change on would miss it: that is kept."""
    connection.execute("UPDATE purged SET revision = max(revision, (SELECT coalesce(max(revision), 0) FROM events WHERE job_id = ? AND sequence IS NULL))",
                       (job_id,))
    series = "SELECT id FROM series WHERE job_id = ?"
    for table, where in (("block_points", f"id IN (SELECT id FROM blocks WHERE series_id IN ({series}))"), ("blocks", f"series_id IN ({series})"),
                         ("series", "job_id = ?"), ("events", "job_id = ?"), ("jobs", "id = ?")):
        connection.execute(f"DELETE FROM {table} WHERE {where}", (job_id,))


def set_run_dir(connection: sqlite3.Connection, job_id: str, run_dir: str) -> None:
    connection.execute("UPDATE jobs SET run_dir = ? WHERE id = ?", (run_dir, job_id))


def set_progress(connection: sqlite3.Connection, job_id: str, progress: Progress, latest: Mapping[str, float], digest: str) -> None:
    connection.execute("UPDATE jobs SET progress = ?, latest = ?, digest = ? WHERE id = ?",
                       (progress.SerializeToString(), json.dumps(latest), digest, job_id))
