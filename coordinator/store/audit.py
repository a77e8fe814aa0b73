"""Rows of the table `audit`: one for each call that changed something, or tried to."""

import sqlite3

from bptrain.v1.admin_service_pb2 import AuditRecord


def add(connection: sqlite3.Connection, record: AuditRecord) -> int:
    """The new record's id."""
    return connection.execute("INSERT INTO audit (time, who, method, target, request_id, outcome) VALUES (?, ?, ?, ?, ?, ?)", (
        record.time, record.who, record.method, record.target, record.request_id, record.outcome)).lastrowid


def finish(connection: sqlite3.Connection, record_id: int, outcome: str, target: str) -> None:
    """`target`: where it was not known before; else empty."""
    connection.execute("UPDATE audit SET outcome = ?, target = iif(target = '', ?, target) WHERE id = ?", (outcome, target, record_id))


def trim(connection: sqlite3.Connection, before: float, most: int) -> int:
    """Removes records from before that time, and all but the newest `most`; how many."""
    newest = connection.execute("SELECT coalesce(max(id), 0) FROM audit").fetchone()[0]
    until = connection.execute("SELECT coalesce(max(id), 0) FROM audit WHERE time < ?", (before,)).fetchone()[0]
    return connection.execute("DELETE FROM audit WHERE id <= ?", (max(until, newest - most),)).rowcount


def page(connection: sqlite3.Connection, size: int, before: int) -> list[AuditRecord]:
    """At most `size` records, newest first, older than the record `before` (0: from the newest on)."""
    where, values = ("WHERE id < ?", [before]) if before else ("", [])
    rows = connection.execute(f"SELECT * FROM audit {where} ORDER BY id DESC LIMIT ?", [*values, size])
    return [AuditRecord(**dict(row)) for row in rows]
