"""Another number of ranks for a running job: those it has leave at a step boundary, others go on in their place.

Between the two it holds the slots of the larger number, so that no other job gets in between.
"""

import sqlite3

from bptrain.v1.spec_pb2 import JobSpec
from coordinator.errors import Refusal
from coordinator.jobs import states
from coordinator.jobs.states import Event
from coordinator.runs.sessions import Sessions
from coordinator.runs.slots import SlotBook
from coordinator.store import jobs, lifecycle
from coordinator.store.database import Database


class Resizing:
    def __init__(self, database: Database, sessions: Sessions, book: SlotBook):
        self._database, self._sessions, self._book = database, sessions, book
        self._wanted: dict[str, int] = {}  # job id → ranks that it shall have

    def check(self, row: sqlite3.Row, ranks: int) -> None:
        """Raises Refusal STATE_NOT_ALLOWED, SLOTS_TAKEN or RANKS_AWAY."""
        job_id = row["id"]
        if not states.allowed(row["state"], Event.RESIZED):
            raise lifecycle.not_allowed(row, states.sources(Event.RESIZED), "resized")
        needed = ranks - (self._book.of(job_id) or row["ranks"])
        if needed > self._book.free:
            raise Refusal("SLOTS_TAKEN", job=job_id, needed=needed, free=self._book.free)
        if not self._sessions.are_open(job_id):
            raise Refusal("RANKS_AWAY", job=job_id)

    def ask(self, row: sqlite3.Row, ranks: int) -> None:
        """Asks the ranks to leave."""
        job_id = row["id"]
        if ranks != self._wanted.get(job_id, row["ranks"]) and self._sessions.leave(job_id):
            self._wanted[job_id] = ranks
            self._book.take(job_id, row["owner"], max(row["ranks"], ranks))

    async def take_up(self, row: sqlite3.Row) -> bool:
        """The ranks have left: whether as many as were asked for are to go on. False also where the job ends instead."""
        ranks = self._wanted.pop(row["id"], 0)
        if not ranks or not await self._database.write(lambda connection: _resized(connection, row, ranks)):
            return False
        self._book.take(row["id"], row["owner"], ranks)
        self._book.due.set()
        return True


def _resized(connection: sqlite3.Connection, row: sqlite3.Row, ranks: int) -> bool:
    spec = JobSpec.FromString(row["spec"])
    cause = f"resized from {spec.ranks} to {ranks} rank(s)"
    spec.ranks = ranks
    if lifecycle.move(connection, row["id"], Event.RESIZED, cause) is None:
        return False
    jobs.set_spec(connection, row["id"], spec)
    return True
