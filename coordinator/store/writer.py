"""The thread of all writes, many in one commit.

1. A write is answered once it is on disk, whatever else was in its commit.
2. Writes that wait at the same time share a transaction, hence an fsync; each stands behind a savepoint of its own, so
   that what fails is undone alone.
3. Where the commit itself fails, everything in it has failed, and nothing of it is on disk.
"""

import asyncio
import logging
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from typing import Any

from coordinator.store.trouble import translated

MOST = 256  # writes in one commit: bounds how long the first of them waits for the others

log = logging.getLogger("bptrain.store")
Work = Callable[[sqlite3.Connection], Any]


@dataclass(frozen=True)
class Write:
    """`answer`: where somebody waits for it."""

    work: Work
    answer: asyncio.Future | None


class Writer:
    """`opened`: makes the thread's connection. Raises what that raises."""

    def __init__(self, opened: Callable[[], sqlite3.Connection]):
        self._waiting: queue.SimpleQueue[Write | None] = queue.SimpleQueue()
        self._ready: queue.SimpleQueue[Exception | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, args=[opened], name="store-writer", daemon=True)
        self._thread.start()
        if trouble := self._ready.get():
            raise trouble

    async def write(self, work: Work) -> Any:
        answer = asyncio.get_running_loop().create_future()
        self._waiting.put(Write(_in_this_context(work), answer))
        return await answer

    def post(self, work: Work) -> None:
        """Writes it when its turn comes; nobody waits. What goes wrong is in the log."""
        self._waiting.put(Write(_in_this_context(work), None))

    def close(self) -> None:
        """What waits is written before."""
        self._waiting.put(None)
        self._thread.join()

    def _run(self, opened: Callable[[], sqlite3.Connection]) -> None:
        try:
            connection = opened()
        except Exception as error:
            self._ready.put(error)
            return
        self._ready.put(None)
        while batch := self._batch():
            _answer(batch, _commit(connection, [write.work for write in batch]))

    def _batch(self) -> list[Write]:
        """What waits, at least one; empty at the end."""
        batch = []
        with suppress(queue.Empty):
            while len(batch) < MOST:
                write = self._waiting.get(block=not batch)
                if write is None:
                    if batch:
                        self._waiting.put(None)  # for the next turn
                    break
                batch.append(write)
        return batch


def _in_this_context(work: Work) -> Work:
    """Who calls is known in the thread, too."""
    return partial(copy_context().run, work)


def _commit(connection: sqlite3.Connection, works: Sequence[Work]) -> list[Any]:
    """Of each: its result, or the exception that it raised."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        answers = [_alone(connection, work) for work in works]
        connection.execute("COMMIT")
        return answers
    except Exception as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        return [translated(error)] * len(works)


def _alone(connection: sqlite3.Connection, work: Work) -> Any:
    connection.execute("SAVEPOINT alone")
    try:
        answer = work(connection)
    except Exception as error:
        if not connection.in_transaction:  # a full disk makes SQLite undo all of it
            raise
        connection.execute("ROLLBACK TO alone")
        answer = translated(error)
    connection.execute("RELEASE alone")
    return answer


def _answer(batch: Sequence[Write], answers: Sequence[Any]) -> None:
    """Wakes each event loop once."""
    loops: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future, Any]]] = {}
    for write, answer in zip(batch, answers):
        if write.answer is not None:
            loops.setdefault(write.answer.get_loop(), []).append((write.answer, answer))
        elif isinstance(answer, Exception):
            log.error("a record was not written", exc_info=answer)
    for loop, pairs in loops.items():
        with suppress(RuntimeError):  # it is closed: nobody waits any more
            loop.call_soon_threadsafe(_settle, pairs)


def _settle(pairs: Sequence[tuple[asyncio.Future, Any]]) -> None:
    for future, answer in pairs:
        if future.done():  # who waited has left
            continue
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(answer)
