"""Rows of the table `requests`: a call that is repeated is answered as it was the first time."""

import hashlib
import sqlite3
import time
from typing import Any

from bptrain.v1.job_service_pb2 import Job
from coordinator.errors import Refusal

KEPT_S = 7 * 86_400


def first_answer(connection: sqlite3.Connection, request: Any) -> Job | None:
    """What an earlier call with this request id was answered. Raises Refusal REQUEST_ID_REUSED."""
    row = connection.execute("SELECT * FROM requests WHERE id = ?", (request.request_id,)).fetchone() if request.request_id else None
    if row is None:
        return None
    if (row["method"], row["body"]) != (_method(request), _hash(request)):
        raise Refusal("REQUEST_ID_REUSED", request_id=request.request_id, method=row["method"], job=row["job_id"])
    return Job.FromString(row["response"])


def remember(connection: sqlite3.Connection, request: Any, response: Job) -> None:
    """Forgets those that are too old, by the way."""
    if not request.request_id:
        return
    now = time.time()
    connection.execute("DELETE FROM requests WHERE time < ?", (now - KEPT_S,))
    connection.execute("INSERT INTO requests (id, method, body, job_id, response, time) VALUES (?, ?, ?, ?, ?, ?)",
                       (request.request_id, _method(request), _hash(request), response.id, response.SerializeToString(), now))


def _method(request: Any) -> str:
    """`SubmitJob`: of a message SubmitJobRequest."""
    return request.DESCRIPTOR.name.removesuffix("Request")


def _hash(request: Any) -> bytes:
    return hashlib.sha256(request.SerializeToString(deterministic=True)).digest()
