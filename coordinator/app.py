"""What the coordinator can do, without a wire: the services decode, call this, and encode."""

import asyncio
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from bpcore.errors import InvalidInput, Problem, expected
from bptrain.v1.job_service_pb2 import Job
from bptrain.v1.spec_pb2 import JobSpec
from coordinator.errors import Refusal
from coordinator.jobs import states
from coordinator.jobs.checked import Checked
from coordinator.launchers import Launcher
from coordinator.limits import Limits
from coordinator.runs.hub import Hub
from coordinator.runs.intake import Intake
from coordinator.runs.sessions import Sessions
from coordinator.runs.standby import MOST_RANKS, Standby
from coordinator.runs.supervisor import Supervisor
from coordinator.store import jobs, lifecycle
from coordinator.store.database import Database
from coordinator.views.artifacts import Artifacts
from coordinator.views.job import job_view
from coordinator.views.logs import Logs
from coordinator.views.metrics import Metrics
from worker import checks

PAGE = 50
LARGEST_PAGE = 1000


@dataclass(frozen=True)
class Settings:
    """`state`: the folder of the store and the runs. `slots`: ranks that may run at once. `standby`: whether ranks wait
    for the next job. `require_token`: also before the first token was made."""

    state: Path
    data_root: Path
    slots: int
    standby: bool = False
    require_token: bool = False
    limits: Limits = Limits()

    @property
    def runs(self) -> Path:
        return self.state / "runs"


class App:
    def __init__(self, settings: Settings, launcher: Launcher):
        self.settings = settings
        self.draining = False  # set while leaving: no new jobs
        self.database = Database(settings.state / "store.db")
        self._checked = Checked(self._check)
        self.hub = Hub()
        self.metrics, self.logs, self.artifacts = Metrics(self.database, self.hub), Logs(self.database), Artifacts(self.database)
        self.intake = Intake(self.database, self.hub)
        self.sessions = Sessions(self.database)
        standby = Standby(launcher, settings.runs, settings.data_root, MOST_RANKS if settings.standby else 0)
        self.supervisor = Supervisor(self.database, self.hub, self.intake, self.sessions, launcher, standby,
                                     settings.slots, settings.data_root)

    async def close(self) -> None:
        await self.supervisor.close()
        await asyncio.to_thread(self.database.close)

    async def submit(self, submitted: JobSpec, request_id: str, validate_only: bool) -> Job:
        """Raises InvalidInput with every problem, Refusal REQUEST_ID_REUSED, QUEUE_FULL or DRAINING."""
        if self.draining:
            raise Refusal("DRAINING")
        earlier = self.database.look(lambda connection: jobs.by_request(connection, request_id, submitted))
        if earlier:
            return await self.get(earlier)
        spec = await self._checked.spec(submitted)
        if validate_only:
            return Job(spec=spec)
        job_id = await self.database.write(lambda connection: self._store(connection, submitted, spec, request_id))
        await self.supervisor.schedule()
        return await self.get(job_id)

    def _check(self, submitted: JobSpec) -> JobSpec:
        return checks.check(submitted, self.settings.data_root, self._slot_problems(submitted)).spec

    def _slot_problems(self, spec: JobSpec) -> list[Problem]:
        slots = self.settings.slots
        return [Problem("ranks", expected(f"at most {slots}, the coordinator's slots", spec.ranks))] if spec.ranks > slots else []

    def _store(self, connection: sqlite3.Connection, submitted: JobSpec, spec: JobSpec, request_id: str) -> str:
        earlier = jobs.by_request(connection, request_id, submitted)  # two calls may have raced
        if earlier:
            return earlier
        if jobs.waiting(connection) >= self.settings.limits.queued:
            raise Refusal("QUEUE_FULL", limit=self.settings.limits.queued)
        job_id = jobs.new_id()
        jobs.add(connection, job_id, request_id, spec, submitted, str(self.settings.runs / job_id))
        lifecycle.submitted(connection, job_id)
        return job_id

    async def get(self, job_id: str) -> Job:
        return self.database.look(lambda connection: job_view(connection, jobs.get(connection, job_id)))

    async def page(self, page_size: int, page_token: str) -> tuple[list[Job], str]:
        """(jobs, newest first; token of the next page, empty on the last)."""
        size = min(page_size or PAGE, LARGEST_PAGE)
        if page_token.strip(jobs.ALPHABET):
            raise Refusal("PAGE_TOKEN_INVALID")

        def work(connection: sqlite3.Connection) -> tuple[list[Job], str]:
            rows = jobs.page(connection, size + 1, page_token)
            views = [job_view(connection, row, brief=True) for row in rows[:size]]
            return views, views[-1].id if len(rows) > size else ""

        return await self.database.read(work)

    async def cancel(self, job_id: str, cause: str) -> Job:
        """Raises Refusal STATE_NOT_ALLOWED when the job has ended."""
        cancelled = await self.supervisor.cancel(job_id, cause)
        job = await self.get(job_id)
        if not cancelled and job.state != states.CANCELLING:
            raise Refusal("STATE_NOT_ALLOWED", job=job_id, state=states.label(job.state), action="cancelled")
        return job

    async def resize(self, job_id: str, ranks: int) -> Job:
        """Raises InvalidInput for a number that can never be; Refusal DRAINING, STATE_NOT_ALLOWED, SLOTS_TAKEN or RANKS_AWAY."""
        if self.draining:
            raise Refusal("DRAINING")
        most = (await self.get(job_id)).spec.logical_shards
        if not 1 <= ranks <= most:
            raise InvalidInput([Problem("ranks", expected(f"1 to logical_shards = {most}", ranks))])
        if ranks > self.settings.slots:
            raise InvalidInput([Problem("ranks", expected(f"at most {self.settings.slots}, the coordinator's slots", ranks))])
        await self.supervisor.resize(job_id, ranks)
        return await self.get(job_id)
