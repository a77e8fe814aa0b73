"""The life of a job's ranks, from granted slots to free slots.

1. Only positive evidence ends a job: its end record, or the proof that its processes are gone. A silent
   link is neither.
2. Ranks that ended without an end record are started again, as long as that may help (restarts.py).
"""

import asyncio
import logging
import sqlite3
import time
from pathlib import Path

from bptrain.v1.job_service_pb2 import Progress
from bptrain.v1.spec_pb2 import JobSpec
from coordinator.jobs import states
from coordinator.jobs.states import Event
from coordinator.launchers import Launch
from coordinator.runs import lastwords
from coordinator.runs.hub import Hub
from coordinator.runs.intake import Intake
from coordinator.runs.resizing import Resizing
from coordinator.runs.restarts import Restarts
from coordinator.runs.sessions import Sessions
from coordinator.runs.slots import SlotBook
from coordinator.runs.standby import World
from coordinator.runs.starting import Starting
from coordinator.runs.tasks import Tasks
from coordinator.store import jobs, lifecycle, retries
from coordinator.store.database import Database
from coordinator.traces import Traces
from worker.errors import Unavailable
from worker.record import journal
from worker.record.rundir import RunDir

MEETING_POLL_S = 0.5

log = logging.getLogger("bptrain.attempts")


class Attempts:
    """`launches`: by job, those that run now."""

    def __init__(self, database: Database, hub: Hub, intake: Intake, sessions: Sessions, starting: Starting, resizing: Resizing,
                 book: SlotBook, tasks: Tasks, traces: Traces):
        self._database, self._hub, self._intake, self._sessions = database, hub, intake, sessions
        self._starting, self._resizing, self._book, self._tasks, self._traces = starting, resizing, book, tasks, traces
        self.launches: dict[str, Launch] = {}
        self._restarts: dict[str, Restarts] = {}

    def begin(self, job_id: str, world: World | None = None) -> None:
        """Its slots are granted. `world`: ranks that wait for it."""
        self._hub.notify(job_id)
        self._tasks.spawn(self._run(job_id, world))

    async def adopt(self, row: sqlite3.Row) -> Launch | None:
        """Of a job that ran when the coordinator went away: its ranks, if they still run."""
        self._book.take(row["id"], row["owner"], row["ranks"])
        launch = await asyncio.to_thread(self._starting.find, Path(row["run_dir"]))
        if launch is not None:
            log.info("job %s: its ranks are still running", row["id"])
            self.launches[row["id"]] = launch
        self._tasks.spawn(self._take_up(row, launch))
        return launch

    async def _take_up(self, row: sqlite3.Row, launch: Launch | None) -> None:
        if launch is not None:
            goes_on = await self._watch(row["id"])
        elif row["state"] == states.STARTING and not RunDir(Path(row["run_dir"])).journal.exists():
            goes_on = True  # the coordinator went away before it had started anything
        else:
            goes_on = await self._settle(row["id"], "the ranks ended while the coordinator was away")
        if goes_on:
            await self._run(row["id"])
        else:
            self._free(row["id"])

    async def _run(self, job_id: str, world: World | None = None) -> None:
        """Ranks, and others after them as long as the job is to go on."""
        goes_on = True
        while goes_on:
            try:
                self.launches[job_id] = await self._starting.start(job_id, world)
            except (Unavailable, OSError) as error:
                await self._fail(job_id, Event.LAUNCH_FAILED, str(error))
                break
            goes_on, world = await self._watch(job_id), None
        self._free(job_id)

    async def _watch(self, job_id: str) -> bool:
        """Waits until the ranks are gone, then settles what they left."""
        meeting = asyncio.create_task(self._watch_meeting(job_id))
        try:
            status = await self.launches[job_id].wait()
        finally:
            meeting.cancel()
        del self.launches[job_id]
        return await self._settle(job_id, f"the ranks ended{'' if status is None else f' with exit status {status}'} before the job was done")

    async def _watch_meeting(self, job_id: str) -> None:
        """Until the ranks have met, the death of one leaves the others waiting for it in MPI: ends them."""
        launch = self.launches[job_id]
        while not self._sessions.are_open(job_id) and (await self._row(job_id))["state"] in (states.STARTING, states.CANCELLING):
            if launch.lost_ranks():
                log.warning("job %s: a rank died before all had met", job_id)
                launch.kill()
            await asyncio.sleep(MEETING_POLL_S)

    async def _settle(self, job_id: str, cause: str) -> bool:
        """Takes what the link did not deliver from the journal. Whether others are to go on."""
        row = await self._row(job_id)
        folder = RunDir(Path(row["run_dir"]))
        reports = await asyncio.to_thread(lambda: list(journal.read(folder.journal)))
        await self._intake.take(job_id, reports)
        self._traces.attempt(job_id, row["name"], reports)
        row, cause = await self._row(job_id), cause + lastwords.of(folder.log)
        if await self._resizing.take_up(row) or await self._again(row, cause):
            self._hub.notify(job_id)
            return True
        folder.release_memory()
        await self._fail(job_id, Event.RANKS_GONE, cause)
        return False

    async def _again(self, row: sqlite3.Row, cause: str) -> bool:
        """Whether ranks without an end record are started again."""
        restarts = self._restarts.setdefault(row["id"], Restarts(JobSpec.FromString(row["spec"]).recovery.restarts))
        if row["state"] not in (states.STARTING, states.RUNNING) or not restarts.again(Progress.FromString(row["progress"]).step):
            return False
        log.warning("job %s: %s; it is started again", row["id"], cause)
        moved = await self._database.write(lambda connection: lifecycle.move(connection, row["id"], Event.RANKS_CUT_OFF, cause))
        return moved is not None

    async def _row(self, job_id: str) -> sqlite3.Row:
        return await self._database.read(lambda connection: jobs.get(connection, job_id))

    async def _fail(self, job_id: str, event: Event, cause: str) -> None:
        """Not for good, where the job's policy says so."""
        await self._database.write(lambda connection: retries.fail(connection, job_id, event, cause, time.time()))
        self._hub.notify(job_id)

    def _free(self, job_id: str) -> None:
        self._restarts.pop(job_id, None)
        self._book.give_back(job_id)
