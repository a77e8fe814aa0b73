"""Threads and connections: every write in one thread, in one transaction; reads beside it, on snapshots."""

import asyncio
import os
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from coordinator.store.schema import migrate
from worker.errors import Unavailable

Result = TypeVar("Result")
READERS = 2


class Database:
    def __init__(self, path: Path):
        self._path = path
        self._writer = ThreadPoolExecutor(1, "store-writer")
        self._readers = ThreadPoolExecutor(READERS, "store-reader")
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []
        with suppress(OSError):  # SQLite says what is wrong; what it puts beside the file is for the same people
            os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))
        try:
            self._writer.submit(lambda: migrate(self._connection())).result()
        except sqlite3.DatabaseError as error:
            self.close()
            raise Unavailable(f"the store {path} cannot be opened: {error}") from None
        except Unavailable:
            self.close()
            raise

    async def write(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """Runs `work` in a transaction of its own; when this returns, it is on disk."""
        return await asyncio.wrap_future(self._writer.submit(self._transaction, work))

    async def read(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """Runs `work` on a snapshot."""
        return await asyncio.wrap_future(self._readers.submit(self._snapshot, work))

    def close(self) -> None:
        self._writer.shutdown()
        self._readers.shutdown()
        for connection in self._opened:
            connection.close()

    def _transaction(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        connection = self._connection()
        connection.execute("BEGIN IMMEDIATE")
        try:
            result = work(connection)
            connection.execute("COMMIT")
            return result
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _snapshot(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        connection = self._connection()
        connection.execute("BEGIN")
        try:
            return work(connection)
        finally:
            connection.execute("ROLLBACK")

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
