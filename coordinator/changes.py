"""Every change to jobs that a caller may ask for.

1. What is asked is decided, recorded and answered in one transaction; what follows from it is done behind it. So a
   call that was answered is on disk, and one that is repeated finds its first answer.
2. With `validate_only` the same transaction is undone, and nothing is done behind it.
"""

import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bpcore.errors import InvalidInput, Problem, expected
from bptrain.v1 import job_service_pb2 as pb
from bptrain.v1.spec_pb2 import JobSpec
from coordinator.access.caller import owner, who
from coordinator.errors import Refusal
from coordinator.jobs import states
from coordinator.jobs.patch import MUTABLE, patched
from coordinator.jobs.states import Action, Event
from coordinator.limits import Limits
from coordinator.runs.supervisor import Supervisor
from coordinator.store import jobs, lifecycle, requests
from coordinator.store.database import Database
from coordinator.views.job import job_view
from worker.jobs.fields import service_problems
from worker.jobs.specs import with_defaults


@dataclass(frozen=True)
class Done:
    """What a change has done to the store: to which job, and what is to be done about it now: about the job itself, or
    about its folds."""

    job_id: str
    actions: Mapping[str, Sequence[Action]] = field(default_factory=dict)
    mode: int = pb.CANCEL_MODE_CHECKPOINT


Work = Callable[[sqlite3.Connection], Done]


class Changes:
    def __init__(self, database: Database, supervisor: Supervisor, limits: Limits):
        self._database, self._supervisor, self._limits = database, supervisor, limits
        self.draining = False  # set while leaving: nothing is changed any more

    async def first_answer(self, request: Any) -> pb.Job | None:
        """To a call that is repeated. Raises Refusal REQUEST_ID_REUSED."""
        if request.validate_only or not request.request_id:
            return None
        return self._database.look(lambda connection: requests.first_answer(connection, request, pb.Job))

    async def make(self, request: Any, work: Work) -> pb.Job:
        """The job as the change leaves it. Raises what `work` raises, and Refusal REQUEST_ID_REUSED or DRAINING."""
        if self.draining:
            raise Refusal("DRAINING")
        job, done = await self._database.write(lambda connection: _recorded(connection, request, work))
        if done:
            for each, actions in {done.job_id: (), **done.actions}.items():
                self._supervisor.act(each, actions, job.cause, done.mode)
        return job

    async def update(self, request: pb.UpdateJobRequest) -> pb.Job:
        """Raises InvalidInput, Refusal JOB_NOT_FOUND, ETAG_MISMATCH or STATE_NOT_ALLOWED."""

        def work(connection: sqlite3.Connection) -> Done:
            row = _there(connection, request.id, "updated")
            if request.etag and request.etag != str(row["version"]):
                raise Refusal("ETAG_MISMATCH", job=request.id)
            for each in (row, *jobs.folds(connection, request.id)):
                spec = with_defaults(patched(JobSpec.FromString(each["spec"]), request.spec, request.update_mask, MUTABLE))
                if problems := service_problems(spec):
                    raise InvalidInput(problems)
                jobs.set_spec(connection, each["id"], spec)
                lifecycle.note(connection, each["id"], f"{', '.join(request.update_mask.paths)} changed by {who()}")
            return Done(request.id)

        return await self.make(request, work)

    async def pause(self, request: pb.PauseJobRequest) -> pb.Job:
        """Raises Refusal JOB_NOT_FOUND or STATE_NOT_ALLOWED, as all below."""
        return await self.make(request, lambda connection: _asked(connection, request.id, Event.PAUSE_ASKED, f"paused by {who()}", "paused"))

    async def resume(self, request: pb.ResumeJobRequest) -> pb.Job:
        """Raises InvalidInput for a number of ranks that cannot be."""

        def work(connection: sqlite3.Connection) -> Done:
            self._with_ranks(connection, request)
            return self._queued(connection, request.id, Event.RESUME_ASKED, f"resumed by {who()}", "resumed")

        return await self.make(request, work)

    async def cancel(self, request: pb.CancelJobRequest) -> pb.Job:
        def work(connection: sqlite3.Connection) -> Done:
            return _asked(connection, request.id, Event.CANCEL_ASKED, f"cancelled by {who()}", "cancelled", request.mode)

        return await self.make(request, work)

    async def retry(self, request: pb.RetryJobRequest) -> pb.Job:
        def work(connection: sqlite3.Connection) -> Done:
            _there(connection, request.id, "tried again")
            for each in (request.id, *(row["id"] for row in jobs.folds(connection, request.id))):
                jobs.set_tries(connection, each, 0, 0)
                jobs.set_failure(connection, each, pb.Failure())
            return self._queued(connection, request.id, Event.RETRY_ASKED, f"tried again by {who()}", "tried again")

        return await self.make(request, work)

    async def resize(self, request: pb.ResizeJobRequest) -> pb.Job:
        """Raises InvalidInput, Refusal SLOTS_TAKEN or RANKS_AWAY."""

        def work(connection: sqlite3.Connection) -> Done:
            row = jobs.get(connection, request.id)
            if row["folds"]:
                raise jobs.in_folds(row)
            self._check_ranks(JobSpec.FromString(row["spec"]).logical_shards, request.ranks)
            self._supervisor.check_resize(row, request.ranks)
            return Done(request.id)

        job = await self.make(request, work)
        if not request.validate_only:
            await self._supervisor.resize(request.id, request.ranks)
        return job

    async def delete(self, request: pb.DeleteJobRequest) -> pb.Job:
        def work(connection: sqlite3.Connection) -> Done:
            row, done = _there(connection, request.id, "deleted"), Done(request.id)
            if row["state"] not in states.FINAL:
                if not request.force:
                    raise lifecycle.not_allowed(row, states.FINAL, "deleted")
                done = _asked(connection, request.id, Event.CANCEL_ASKED, f"deleted by {who()}", "deleted", pb.CANCEL_MODE_NOW)
            now = time.time()
            for each in (row, *jobs.folds(connection, request.id)):
                jobs.set_deleted(connection, each["id"], now, now + self._limits.deleted_s)
                lifecycle.note(connection, each["id"], f"deleted by {who()}")
            return done

        return await self.make(request, work)

    async def undelete(self, request: pb.UndeleteJobRequest) -> pb.Job:
        def work(connection: sqlite3.Connection) -> Done:
            row = jobs.get(connection, request.id)
            if not row["deleted"]:
                raise Refusal("STATE_NOT_ALLOWED", job=request.id, state=states.label(row["state"]), action="undeleted", allowed="DELETED")
            for each in (row, *jobs.folds(connection, request.id)):
                jobs.set_deleted(connection, each["id"], 0, 0)
                lifecycle.note(connection, each["id"], f"undeleted by {who()}")
            return Done(request.id)

        return await self.make(request, work)

    def _queued(self, connection: sqlite3.Connection, job_id: str, event: Event, cause: str, action: str) -> Done:
        self.require_room(connection)
        return _asked(connection, job_id, event, cause, action)

    def require_room(self, connection: sqlite3.Connection, more: int = 1) -> None:
        """For so many more jobs that wait. Raises Refusal QUEUE_FULL or QUOTA."""
        limits = self._limits
        if jobs.waiting(connection) + more > limits.queued:
            raise Refusal("QUEUE_FULL", limit=limits.queued)
        if limits.token_queued and owner() and jobs.waiting_of(connection, owner()) + more > limits.token_queued:
            raise Refusal("QUOTA", token=owner(), limit=limits.token_queued)

    def _with_ranks(self, connection: sqlite3.Connection, request: pb.ResumeJobRequest) -> None:
        if request.ranks:
            for each in (jobs.get(connection, request.id), *jobs.folds(connection, request.id)):
                spec = JobSpec.FromString(each["spec"])
                self._check_ranks(spec.logical_shards, request.ranks)
                spec.ranks = request.ranks
                jobs.set_spec(connection, each["id"], spec)

    def _check_ranks(self, shards: int, ranks: int) -> None:
        if not 1 <= ranks <= shards:
            raise InvalidInput([Problem("ranks", expected(f"1 to logical_shards = {shards}", ranks))])
        if ranks > self._supervisor.slots:
            raise InvalidInput([Problem("ranks", expected(f"at most {self._supervisor.slots}, the coordinator's slots", ranks))])


def _recorded(connection: sqlite3.Connection, request: Any, work: Work) -> tuple[pb.Job, Done | None]:
    """The answer, and what has been done now: nothing for a call that is repeated, or only checked."""
    if not request.validate_only and (earlier := requests.first_answer(connection, request, pb.Job)):
        return earlier, None
    connection.execute("SAVEPOINT trial")
    done = work(connection)
    job = job_view(connection, jobs.get(connection, done.job_id))
    if request.validate_only:
        connection.execute("ROLLBACK TO trial")
        return job, None
    requests.remember(connection, request, job, job.id)
    return job, done


def _asked(connection: sqlite3.Connection, job_id: str, event: Event, cause: str, action: str, mode: int = pb.CANCEL_MODE_CHECKPOINT) -> Done:
    """Of a job, or of all its folds that it can be asked of. Raises Refusal JOB_NOT_FOUND or STATE_NOT_ALLOWED."""
    row = jobs.get(connection, job_id)
    able = [each["id"] for each in jobs.folds(connection, job_id) if states.allowed(each["state"], event)] if row["folds"] else [job_id]
    if not able:
        raise lifecycle.not_allowed(row, states.sources(event), action)
    return Done(job_id, {each: lifecycle.require(connection, each, event, cause, action) for each in able}, mode)


def _there(connection: sqlite3.Connection, job_id: str, action: str) -> sqlite3.Row:
    """The job's row, unless it is deleted."""
    row = jobs.get(connection, job_id)
    if row["deleted"]:
        raise lifecycle.not_allowed(row, states.FINAL, action)
    return row
