"""The audit trail.

1. A record is on disk before its call does anything, and gets its outcome afterwards: no change is without a record.
2. Nothing of a request is kept but what it is about, and no secret.
"""

import sqlite3
import time
from typing import Any

from bptrain.v1.admin_service_pb2 import AuditRecord
from coordinator.errors import Refusal
from coordinator.store import audit
from coordinator.store.database import Database

OK = "OK"
CONSOLE = "console"  # who has the coordinator's own files needs no token
PAGE, LARGEST_PAGE = 50, 1000
LONGEST = 64  # of ids and names


class Trail:
    def __init__(self, database: Database):
        self._database = database

    async def begin(self, who: str, method: str, request: Any) -> int:
        """The id of the new record."""
        record = AuditRecord(time=time.time(), who=who, method=method, target=_target(request), request_id=getattr(request, "request_id", "")[:LONGEST])
        return await self._database.write(lambda connection: audit.add(connection, record))

    def end(self, record_id: int, outcome: str, response: Any = None) -> None:
        """`response`: of a call that made something new. Whoever called need not wait until this is on disk."""
        target = _target(getattr(response, "job", None))
        self._database.post(lambda connection: audit.finish(connection, record_id, outcome, target))

    async def page(self, page_size: int, page_token: str) -> tuple[list[AuditRecord], str]:
        """(records, newest first; token of the next page, empty on the last). Raises Refusal PAGE_TOKEN_INVALID."""
        size = min(page_size or PAGE, LARGEST_PAGE)
        if page_token and not (page_token.isascii() and page_token.isdecimal() and len(page_token) < 19):
            raise Refusal("PAGE_TOKEN_INVALID")
        records = await self._database.read(lambda connection: audit.page(connection, size + 1, int(page_token or 0)))
        return records[:size], str(records[size - 1].id) if len(records) > size else ""


def from_console(connection: sqlite3.Connection, method: str, target: str) -> None:
    """For what was done, in this transaction, on the coordinator's own machine."""
    audit.add(connection, AuditRecord(time=time.time(), who=CONSOLE, method=method, target=target, outcome=OK))


def _target(message: Any) -> str:
    """What a message is about: a job's id, a token's name; cut where it can be neither."""
    return next((found for name in ("id", "job_id", "name") if (found := getattr(message, name, ""))), "")[:LONGEST]
