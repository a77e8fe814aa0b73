"""What is due by the clock: jobs whose time is up are stopped, deleted ones are removed for good, the store is copied, the
audit trail is cut."""

import asyncio
import logging
import shutil
import sqlite3
import time
from math import inf
from pathlib import Path

from bptrain.v1.spec_pb2 import JobSpec
from coordinator.errors import Refusal
from coordinator.jobs import states, times
from coordinator.jobs.states import Event
from coordinator.limits import Limits
from coordinator.runs.supervisor import Supervisor
from coordinator.store import audit, events, jobs, lifecycle
from coordinator.store.backup import EVERY_S
from coordinator.store.database import Database

TICK_S = 1.0
TRIM_S = 600.0

log = logging.getLogger("bptrain.housekeeping")


class Housekeeping:
    """`runs`: where runs have their folders; nothing outside it is removed."""

    def __init__(self, database: Database, supervisor: Supervisor, runs: Path, limits: Limits = Limits()):
        self._database, self._supervisor, self._runs, self._limits = database, supervisor, runs, limits
        self._trimmed = -inf
        self._task: asyncio.Task | None = None
        self._backed_up = time.monotonic()

    def start(self) -> None:
        self._task = asyncio.create_task(self._keep())

    async def close(self) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            try:
                await self.stop_late(time.time())
                await self.purge(time.time())
                await self.back_up(time.monotonic())
                await self.trim(time.monotonic())
            except (Refusal, OSError):  # no room on the disk: the next time
                log.exception("housekeeping was put off")

    async def back_up(self, now: float) -> None:
        """`now`: of a clock that nobody sets."""
        if now - self._backed_up > EVERY_S:
            self._backed_up = now
            await self._database.backup()

    async def trim(self, now: float) -> None:
        """The audit trail, now and then. `now`: of a clock that nobody sets."""
        if now - self._trimmed > TRIM_S:
            self._trimmed = now
            await self._database.write(lambda connection: audit.trim(connection, time.time() - self._limits.audit_s, self._limits.audit_records))

    async def stop_late(self, now: float) -> None:
        for job_id, cause in await self._database.read(lambda connection: _late(connection, now)):
            actions = await self._database.write(lambda connection: lifecycle.move(connection, job_id, Event.CANCEL_ASKED, cause))
            if actions is not None:
                self._supervisor.act(job_id, actions, cause)

    async def purge(self, now: float) -> None:
        for row in await self._database.read(lambda connection: jobs.to_purge(connection, now)):
            folder = Path(row["run_dir"])
            if folder.parent == self._runs:
                await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
            await self._database.write(lambda connection: jobs.purge(connection, row["id"]))


def _late(connection: sqlite3.Connection, now: float) -> list[tuple[str, str]]:
    """(job, why its time is up)."""
    rows = [*jobs.overdue(connection, now), *jobs.in_states(connection, [states.RUNNING])]
    causes = {row["id"]: times.why_over(JobSpec.FromString(row["spec"]), events.transitions(connection, row["id"]), now) for row in rows}
    return [(job_id, cause) for job_id, cause in causes.items() if cause]
