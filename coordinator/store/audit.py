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


def page(connection: sqlite3.Connection, size: int, before: int) -> list[AuditRecord]:
    """At most `size` records, newest first, older than the record `before` (0: from the newest on)."""
    where, values = ("WHERE id < ?", [before]) if before else ("", [])
    rows = connection.execute(f"SELECT * FROM audit {where} ORDER BY id DESC LIMIT ?", [*values, size])
    return [AuditRecord(**dict(row)) for row in rows]
