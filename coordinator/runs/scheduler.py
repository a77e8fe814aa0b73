"""Lets waiting jobs start while slots are free, and says which ranks are to wait for the next one.

1. Which jobs start is decided by jobs/queue.py, and is stored before anything is done about it.
2. It looks when something has changed for them, and every second where jobs wait: the time alone may let one start.
"""

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from bptrain.v1.spec_pb2 import JobSpec
from coordinator.errors import Refusal
from coordinator.jobs.queue import Slots, Waiting, grants
from coordinator.jobs.states import Event
from coordinator.runs.slots import SlotBook
from coordinator.runs.standby import Standby, World
from coordinator.store import jobs, lifecycle
from coordinator.store.database import Database
from worker.record.rundir import RunDir

TICK_S = 1.0

log = logging.getLogger("bptrain.scheduler")


class Scheduler:
    """`start(job id, ranks that wait for it)`; `address()`: where ranks report to."""

    def __init__(self, database: Database, book: SlotBook, standby: Standby, start: Callable[[str, World | None], None],
                 address: Callable[[], str]):
        self._database, self._book, self._standby, self._start, self._address = database, book, standby, start, address
        self._closing = False
        self._last_ranks = 0  # of the job that was started last

    def close(self) -> None:
        """`keep` then ends."""
        self._closing = True
        self._book.due.set()

    async def keep(self) -> None:
        """Until closed."""
        newest = await self._database.read(lambda connection: jobs.page(connection, 1, ""))
        self._last_ranks = newest[0]["ranks"] if newest else 0
        self._book.due.set()
        while not self._closing:
            await self._look()

    async def _look(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._book.due.wait(), TICK_S)
        asked = self._book.due.is_set()
        self._book.due.clear()
        try:
            if asked or await self._has_waiting():  # or ranks that wait for the next job would never find a quiet second
                await self._schedule()
        except (Refusal, OSError):  # no room on the disk: they wait on
            log.exception("waiting jobs could not be started")
            await asyncio.sleep(TICK_S)

    async def _schedule(self) -> None:
        slots, world = self._book.in_use(), self._standby.take()
        granted, taker = {}, ""
        try:
            if slots.free and await self._has_waiting():
                granted, taker = await self._database.write(lambda connection: self._grant(connection, slots, world))
        finally:
            if world and not taker:
                self._standby.give_back(world)
        for job in granted.values():
            self._last_ranks = job.ranks
            self._book.take(job.id, job.owner, job.ranks)
            self._start(job.id, world if job.id == taker else None)
        self._standby.expect(self._last_ranks if self._last_ranks <= self._book.free else 0, self._address())

    async def _has_waiting(self) -> bool:
        return await self._database.read(jobs.waiting) > 0

    def _grant(self, connection: sqlite3.Connection, slots: Slots, world: World | None) -> tuple[dict[str, Waiting], str]:
        """Those that are started now, by id; and the one of them that gets the world, empty for none."""
        waiting = {job.id: job for job in jobs.queue(connection) if job.id not in self._book}
        chosen = {job_id: waiting[job_id] for job_id in grants(waiting.values(), slots, time.time())}
        for job in chosen.values():
            lifecycle.move(connection, job.id, Event.SLOTS_GRANTED, f"{job.ranks} of {slots.total} slots are free")
        taker = next((job_id for job_id in chosen if world and _suits(world, jobs.get(connection, job_id))), "")
        if taker:
            jobs.set_run_dir(connection, taker, str(world.folder))
        return chosen, taker


def _suits(world: World, row: sqlite3.Row) -> bool:
    """Whether the job starts afresh, and these ranks are what it needs."""
    return not RunDir(Path(row["run_dir"])).job.exists() and world.suits(JobSpec.FromString(row["spec"]))
