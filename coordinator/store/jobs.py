"""Rows of the table `jobs`. Functions take the connection of a transaction (store/database.py)."""

import json
import secrets
import sqlite3
import time
from collections.abc import Mapping, Sequence

from bptrain.v1.job_service_pb2 import Progress
from bptrain.v1.spec_pb2 import JobSpec
from coordinator.errors import Refusal
from coordinator.jobs.states import QUEUED

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32


def new_id() -> str:
    """13 characters: microseconds, then chance. Later ids sort behind earlier ones."""
    number = (time.time_ns() // 1000 << 14) | secrets.randbits(14)
    return "".join(ALPHABET[(number >> shift) & 31] for shift in range(60, -1, -5))


def add(connection: sqlite3.Connection, job_id: str, request_id: str, spec: JobSpec, submitted: JobSpec, run_dir: str) -> None:
    connection.execute(
        "INSERT INTO jobs (id, request_id, spec, submitted_spec, token, state, cause, run_dir) VALUES (?, ?, ?, ?, ?, 0, '', ?)",
        (job_id, request_id or None, spec.SerializeToString(), submitted.SerializeToString(), secrets.token_urlsafe(24), run_dir))


def get(connection: sqlite3.Connection, job_id: str) -> sqlite3.Row:
    """Raises Refusal JOB_NOT_FOUND."""
    row = connection.execute("SELECT * FROM jobs WHERE id = ?", (job_id,)).fetchone()
    if row is None:
        raise Refusal("JOB_NOT_FOUND", job=job_id)
    return row


def by_request(connection: sqlite3.Connection, request_id: str, submitted: JobSpec) -> str | None:
    """The id of the job that an earlier call with this request id made. Raises Refusal REQUEST_ID_REUSED."""
    row = connection.execute("SELECT * FROM jobs WHERE request_id = ?", (request_id,)).fetchone() if request_id else None
    if row is not None and JobSpec.FromString(row["submitted_spec"]) != submitted:
        raise Refusal("REQUEST_ID_REUSED", request_id=request_id, job=row["id"])
    return row["id"] if row is not None else None


def page(connection: sqlite3.Connection, size: int, before: str) -> list[sqlite3.Row]:
    """At most `size` jobs, newest first, older than the job `before` (empty: from the newest on)."""
    where, values = ("WHERE id < ?", [before]) if before else ("", [])
    return connection.execute(f"SELECT * FROM jobs {where} ORDER BY id DESC LIMIT ?", [*values, size]).fetchall()


def in_states(connection: sqlite3.Connection, states: Sequence[int]) -> list[sqlite3.Row]:
    """In order of submission."""
    marks = ", ".join("?" * len(states))
    return connection.execute(f"SELECT * FROM jobs WHERE state IN ({marks}) ORDER BY id", states).fetchall()


def waiting(connection: sqlite3.Connection) -> int:
    """How many."""
    return connection.execute("SELECT count(*) FROM jobs WHERE state = ?", (QUEUED,)).fetchone()[0]


def place(connection: sqlite3.Connection, job_id: str) -> int:
    """Of a waiting job among those that wait, from 1."""
    return connection.execute("SELECT count(*) FROM jobs WHERE state = ? AND id <= ?", (QUEUED, job_id)).fetchone()[0]


def set_state(connection: sqlite3.Connection, job_id: str, state: int, cause: str) -> None:
    connection.execute("UPDATE jobs SET state = ?, cause = ? WHERE id = ?", (state, cause, job_id))


def set_spec(connection: sqlite3.Connection, job_id: str, spec: JobSpec) -> None:
    connection.execute("UPDATE jobs SET spec = ? WHERE id = ?", (spec.SerializeToString(), job_id))


def set_run_dir(connection: sqlite3.Connection, job_id: str, run_dir: str) -> None:
    connection.execute("UPDATE jobs SET run_dir = ? WHERE id = ?", (run_dir, job_id))


def set_progress(connection: sqlite3.Connection, job_id: str, progress: Progress, latest: Mapping[str, float], digest: str) -> None:
    connection.execute("UPDATE jobs SET progress = ?, latest = ?, digest = ? WHERE id = ?",
                       (progress.SerializeToString(), json.dumps(latest), digest, job_id))
