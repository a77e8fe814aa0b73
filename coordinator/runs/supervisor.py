"""Acts: what is decided about jobs is done to their ranks here.

1. What to do is decided by jobs/states.py, jobs/queue.py and jobs/failures.py; what has happened is stored before
   anything is done about it.
2. Each part is a file: which job starts (scheduler.py), on which slots (slots.py), the life of its ranks (attempts.py,
   starting.py, restarts.py), another number of them (resizing.py), their end (stopping.py).
3. Ranks never hang on the coordinator: when it leaves, they stay.
"""

import asyncio
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from bptrain.v1.job_service_pb2 import CancelMode
from coordinator.jobs import states
from coordinator.jobs.queue import Slots
from coordinator.jobs.states import Action
from coordinator.launchers import Launcher
from coordinator.runs.attempts import Attempts
from coordinator.runs.hub import Hub
from coordinator.runs.intake import Intake
from coordinator.runs.resizing import Resizing
from coordinator.runs.scheduler import Scheduler
from coordinator.runs.sessions import Sessions
from coordinator.runs.slots import SlotBook
from coordinator.runs.standby import Standby
from coordinator.runs.starting import Starting
from coordinator.runs.stopping import Stopping
from coordinator.runs.tasks import Tasks
from coordinator.store import jobs
from coordinator.store.database import Database
from coordinator.traces import Traces


class Supervisor:
    """`slots`: ranks that may run at once; `owner_slots`: those of one owner, 0 for any."""

    def __init__(self, database: Database, hub: Hub, intake: Intake, sessions: Sessions, launcher: Launcher,
                 standby: Standby, slots: int, data_root: Path, owner_slots: int = 0, traces: Traces = Traces()):
        self.slots, self.data_root = slots, data_root
        self.worker_address = ""  # known once the server listens
        self._database, self._hub, self._standby = database, hub, standby
        self._book, self._tasks = SlotBook(slots, owner_slots), Tasks()
        self._resizing = Resizing(database, sessions, self._book)
        starting = Starting(database, launcher, data_root, lambda: self.worker_address)
        self._attempts = Attempts(database, hub, intake, sessions, starting, self._resizing, self._book, self._tasks, traces)
        self._stopping = Stopping(self._attempts.launches, sessions)
        self._scheduler = Scheduler(database, self._book, standby, self._attempts.begin, lambda: self.worker_address)
        self._scheduling: asyncio.Task | None = None

    async def start(self) -> None:
        """Finds the ranks of jobs that ran when the coordinator went away, then starts waiting jobs."""
        for row in await self._database.read(lambda connection: jobs.in_states(connection, states.ACTIVE)):
            launch = await self._attempts.adopt(row)
            if launch is not None and row["state"] in (states.PAUSING, states.CANCELLING):
                self._tasks.spawn(self._stopping.stop(row["id"], row["cause"]))
        self._scheduling = self._tasks.spawn(self._scheduler.keep())

    async def close(self) -> None:
        """Lets go of everything; ranks go on. Those of jobs that have ended are waited for, and ended where that does not help."""
        final = await self._database.read(lambda connection: jobs.in_states(connection, states.FINAL))
        await self._stopping.clear_up({row["id"] for row in final})
        self._scheduler.close()
        if self._scheduling:
            await self._scheduling
        await self._standby.close()
        await self._tasks.cancel()

    def slots_in_use(self) -> Slots:
        return self._book.in_use()

    def act(self, job_id: str, actions: Sequence[Action], cause: str, mode: int = CancelMode.CANCEL_MODE_CHECKPOINT) -> None:
        """Performs what a change of state, stored already, brings with it."""
        self._hub.notify(job_id)
        if Action.STOP in actions:
            self._tasks.spawn(self._stopping.stop(job_id, cause, mode))
        self._book.due.set()

    def check_resize(self, row: sqlite3.Row, ranks: int) -> None:
        """Raises Refusal STATE_NOT_ALLOWED, SLOTS_TAKEN or RANKS_AWAY."""
        self._resizing.check(row, ranks)

    async def resize(self, job_id: str, ranks: int) -> None:
        """Asks the ranks to leave; when they have, `ranks` others are started."""
        self._resizing.ask(await self._database.read(lambda connection: jobs.get(connection, job_id)), ranks)
