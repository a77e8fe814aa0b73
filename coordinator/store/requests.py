"""Rows of the table `requests`: a call that is repeated is answered as it was the first time.

No answer that is kept here has a secret in it.
"""

import hashlib
import sqlite3
import time
from typing import Any, TypeVar

from coordinator.errors import Refusal

KEPT_S = 7 * 86_400
Answer = TypeVar("Answer")


def first_answer(connection: sqlite3.Connection, request: Any, kind: type[Answer], caller: str | None = None) -> Answer | None:
    """What an earlier call with this request id was answered, a message of that kind. `caller`: where only who made the
    first may repeat it. Raises Refusal REQUEST_ID_REUSED."""
    row = connection.execute("SELECT * FROM requests WHERE id = ?", (request.request_id,)).fetchone() if request.request_id else None
    if row is None:
        return None
    if (row["method"], row["body"]) != (_method(request), _hash(request, caller)):
        raise Refusal("REQUEST_ID_REUSED", request_id=request.request_id, method=row["method"], target=row["target"])
    return kind.FromString(row["response"])


def remember(connection: sqlite3.Connection, request: Any, response: Any, target: str, caller: str | None = None) -> None:
    """`target`: what the call was about, a job's id or a name. Of two that raced the first counts. Forgets those that are too
    old, by the way."""
    if not request.request_id:
        return
    now = time.time()
    connection.execute("DELETE FROM requests WHERE time < ?", (now - KEPT_S,))
    connection.execute("INSERT OR IGNORE INTO requests (id, method, body, target, response, time) VALUES (?, ?, ?, ?, ?, ?)",
                       (request.request_id, _method(request), _hash(request, caller), target, response.SerializeToString(), now))


def _method(request: Any) -> str:
    """`SubmitJob`: of a message SubmitJobRequest."""
    return request.DESCRIPTOR.name.removesuffix("Request")


def _hash(request: Any, caller: str | None) -> bytes:
    """With the caller's hash behind the body, so that no other name and body make the same bytes."""
    by = b"" if caller is None else hashlib.sha256(caller.encode()).digest()
    return hashlib.sha256(request.SerializeToString(deterministic=True) + by).digest()
