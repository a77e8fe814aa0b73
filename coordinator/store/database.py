"""Threads and connections: writes in one thread, reads beside it, on snapshots."""

import asyncio
import os
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from pathlib import Path
from typing import TypeVar

from bptrain.v1.admin_service_pb2 import Backup
from coordinator.store import backup
from coordinator.store.schema import migrate
from coordinator.store.trouble import translated
from coordinator.store.writer import Writer
from worker.errors import Unavailable

Result = TypeVar("Result")
READERS = 2


class Database:
    def __init__(self, path: Path):
        self._path = path
        self._readers = ThreadPoolExecutor(READERS, "store-reader")
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []
        with suppress(OSError):  # SQLite says what is wrong; what it puts beside the file is for the same people
            os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))
        try:
            self._writer = Writer(self._migrated)
        except sqlite3.OperationalError as error:
            self._close_readers()
            raise Unavailable(f"the store {path} cannot be opened: {error}") from None
        except sqlite3.DatabaseError as error:
            self._close_readers()
            raise backup.damaged(path, str(error)) from None
        except Unavailable:
            self._close_readers()
            raise

    async def write(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """Runs `work` as if in a transaction of its own; when this returns, it is on disk. Raises Refusal STORE_FULL."""
        return await self._writer.write(work)

    def post(self, work: Callable[[sqlite3.Connection], object]) -> None:
        """The same, later, and nobody waits for it."""
        self._writer.post(work)

    async def read(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """Runs `work` on a snapshot."""
        return await asyncio.wrap_future(self._readers.submit(copy_context().run, self._snapshot, work))

    def look(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """The same at once, in the caller's thread: for a few rows by their keys, which takes less than to ask a reader."""
        return self._snapshot(work)

    def close(self) -> None:
        self._writer.close()
        self._close_readers()

    async def backup(self) -> Backup:
        """A new copy of the store as it is. Raises Refusal STORE_FULL or STORE_CORRUPT."""
        return await asyncio.to_thread(backup.create, self._path)

    async def backup_bytes(self) -> int:
        """Of a new copy, if it were made now. Raises the same."""
        return await self.read(lambda connection: backup.size_bytes(connection, self._path))

    async def check(self) -> tuple[list[str], list[Backup]]:
        """What is wrong with the store, and what copies there are."""
        return await self.read(backup.problems), await asyncio.to_thread(backup.everyone, self._path)

    def _close_readers(self) -> None:
        self._readers.shutdown()
        for connection in self._opened:
            connection.close()

    def _snapshot(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        connection = self._connection()
        connection.execute("BEGIN")
        try:
            return work(connection)
        except sqlite3.Error as error:
            raise translated(error) from None
        finally:
            connection.execute("ROLLBACK")

    def _migrated(self) -> sqlite3.Connection:
        connection = self._connection()
        if wrong := backup.problems(connection, quick=True):
            raise sqlite3.DatabaseError(wrong[0])
        migrate(connection)
        return connection

    def _connection(self) -> sqlite3.Connection:
        """This thread's own."""
        if not hasattr(self._local, "connection"):
            connection = sqlite3.connect(self._path, timeout=10, isolation_level=None, check_same_thread=False)
            connection.row_factory = sqlite3.Row
            self._opened.append(connection)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            self._local.connection = connection
        return self._local.connection
