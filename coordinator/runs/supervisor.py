"""Acts: starts ranks when slots are free, watches them, ends them, finds them again after a restart.

1. What to do is decided by jobs/states.py, jobs/queue.py and jobs/failures.py; what has happened is stored before
   anything is done about it.
2. Only positive evidence ends a job: its end record, or the proof that its processes are gone. A silent
   link is neither.
3. Ranks never hang on the coordinator: when it leaves, they stay.
"""

import asyncio
import logging
import sqlite3
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from bptrain.v1.job_service_pb2 import CancelMode, Progress
from bptrain.v1.spec_pb2 import JobSpec
from coordinator.errors import Refusal
from coordinator.jobs import states
from coordinator.jobs.queue import Slots, Waiting, grants
from coordinator.jobs.states import Action, Event
from coordinator.launchers import Launch, Launcher, Order, poll, tags
from coordinator.runs.hub import Hub
from coordinator.runs.intake import Intake
from coordinator.runs.restarts import Restarts
from coordinator.runs.sessions import Sessions
from coordinator.runs.standby import Standby, World
from coordinator.store import jobs, lifecycle, retries
from coordinator.store.database import Database
from coordinator.traces import Traces
from worker import journal, plan
from worker.errors import Unavailable
from worker.rundir import RunDir

GRACE_S = 10.0  # between asking ranks to stop and ending them
MEETING_POLL_S = 0.5
LEAVE_S = 5.0  # for mpirun to clear up after ranks that are done
TICK_S = 1.0

log = logging.getLogger("bptrain.supervisor")


class Supervisor:
    def __init__(self, database: Database, hub: Hub, intake: Intake, sessions: Sessions, launcher: Launcher,
                 standby: Standby, slots: int, data_root: Path, owner_slots: int = 0, traces: Traces = Traces()):
        self.slots, self.data_root, self._owner_slots = slots, data_root, owner_slots
        self.worker_address = ""  # known once the server listens
        self._database, self._hub, self._intake, self._sessions, self._launcher = database, hub, intake, sessions, launcher
        self._standby, self._traces = standby, traces
        self._worlds: dict[str, World] = {}  # job id → ranks that wait for it alone
        self._last_ranks = 0  # of the job that was started last
        self._launches: dict[str, Launch] = {}
        self._busy: dict[str, int] = {}  # job id → slots in use
        self._owners: dict[str, str] = {}  # of these jobs
        self._restarts: dict[str, Restarts] = {}
        self._resizing: dict[str, int] = {}  # job id → ranks that it shall have
        self._tasks: set[asyncio.Task] = set()
        self._due, self._closing = asyncio.Event(), False  # something has changed for the jobs that wait
        self._scheduler: asyncio.Task | None = None

    async def start(self) -> None:
        """Finds the ranks of jobs that ran when the coordinator went away, then starts waiting jobs."""
        for row in await self._database.read(lambda connection: jobs.in_states(connection, states.ACTIVE)):
            self._take_slots(row["id"], row["ranks"], row["owner"])
            launch = await asyncio.to_thread(self._launcher.find, Path(row["run_dir"]))
            if launch is not None:
                log.info("job %s: its ranks are still running", row["id"])
                self._launches[row["id"]] = launch
            self._spawn(self._adopt(row, launch))
        newest = await self._database.read(lambda connection: jobs.page(connection, 1, ""))
        self._last_ranks = newest[0]["ranks"] if newest else 0
        self._scheduler = self._spawn(self._keep_scheduling())
        self.schedule()

    async def close(self) -> None:
        """Lets go of everything; ranks go on. Those of jobs that have ended are waited for."""
        ended = {row["id"] for row in await self._database.read(lambda connection: jobs.in_states(connection, states.FINAL))}
        try:
            await asyncio.wait_for(poll(lambda: not ended & self._launches.keys()), LEAVE_S)
        except TimeoutError:
            log.warning("mpirun of a job that has ended is still there")
        self._closing = True
        self.schedule()
        if self._scheduler:
            await self._scheduler
        await self._standby.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def schedule(self) -> None:
        """Starts the waiting jobs that fit, soon: what asks for it at the same time is answered at once."""
        self._due.set()

    def slots_in_use(self) -> Slots:
        used: dict[str, int] = {}
        for job_id, ranks in self._busy.items():
            used[self._owners[job_id]] = used.get(self._owners[job_id], 0) + ranks
        return Slots(self.slots, self._owner_slots, used)

    async def _keep_scheduling(self) -> None:
        """Also where nothing has changed but the time."""
        while not self._closing:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._due.wait(), TICK_S)
            asked = self._due.is_set()
            self._due.clear()
            try:
                if asked or await self._has_waiting():  # or ranks that wait for the next job would never find a quiet second
                    await self._schedule()
            except (Refusal, OSError):  # no room on the disk: they wait on
                log.exception("waiting jobs could not be started")
                await asyncio.sleep(TICK_S)

    async def _schedule(self) -> None:
        slots, world = self.slots_in_use(), self._standby.take()
        granted, taker = {}, ""
        if slots.free and await self._has_waiting():
            granted, taker = await self._database.write(lambda connection: self._grant(connection, slots, world))
        if taker:
            self._worlds[taker] = world
        elif world:
            self._standby.give_back(world)
        for job in granted.values():
            self._last_ranks = job.ranks
            self._take_slots(job.id, job.ranks, job.owner)
            self._hub.notify(job.id)
            self._spawn(self._run(job.id))
        room = self.slots - sum(self._busy.values())
        self._standby.expect(self._last_ranks if self._last_ranks <= room else 0, self.worker_address)

    async def _has_waiting(self) -> bool:
        return await self._database.read(jobs.waiting) > 0

    def _grant(self, connection: sqlite3.Connection, slots: Slots, world: World | None) -> tuple[dict[str, Waiting], str]:
        """Those that are started now, by id; and the one of them that gets the world, empty for none."""
        waiting = {job.id: job for job in jobs.queue(connection) if job.id not in self._busy}
        chosen = {job_id: waiting[job_id] for job_id in grants(waiting.values(), slots, time.time())}
        for job in chosen.values():
            lifecycle.move(connection, job.id, Event.SLOTS_GRANTED, f"{job.ranks} of {self.slots} slots are free")
        taker = next((job_id for job_id in chosen if world and _suits(world, jobs.get(connection, job_id))), "")
        if taker:
            jobs.set_run_dir(connection, taker, str(world.folder))
        return chosen, taker

    def act(self, job_id: str, actions: Sequence[Action], cause: str, mode: int = CancelMode.CANCEL_MODE_CHECKPOINT) -> None:
        """Performs what a change of state, stored already, brings with it."""
        self._hub.notify(job_id)
        if Action.STOP in actions:
            self._spawn(self._stop(job_id, cause, mode))
        self.schedule()

    def check_resize(self, row: sqlite3.Row, ranks: int) -> None:
        """Raises Refusal STATE_NOT_ALLOWED, SLOTS_TAKEN or RANKS_AWAY."""
        job_id = row["id"]
        if not states.allowed(row["state"], Event.RESIZED):
            raise lifecycle.not_allowed(row, states.sources(Event.RESIZED), "resized")
        free = self.slots - sum(self._busy.values())
        needed = ranks - self._busy.get(job_id, row["ranks"])
        if needed > free:
            raise Refusal("SLOTS_TAKEN", job=job_id, needed=needed, free=free)
        if not self._sessions.are_open(job_id):
            raise Refusal("RANKS_AWAY", job=job_id)

    def resize(self, job_id: str, before: int, ranks: int) -> None:
        """Asks the ranks to leave; when they have, `ranks` others are started."""
        if ranks != self._resizing.get(job_id, before) and self._sessions.leave(job_id):
            self._resizing[job_id] = ranks
            self._busy[job_id] = max(before, ranks)

    async def _resized(self, row: sqlite3.Row, ranks: int) -> bool:
        """The ranks have left; as many as asked for go on. False where the job is not to go on any more."""
        job_id, spec = row["id"], JobSpec.FromString(row["spec"])
        cause = f"resized from {spec.ranks} to {ranks} rank(s)"
        spec.ranks = ranks

        def work(connection: sqlite3.Connection) -> bool:
            if lifecycle.move(connection, job_id, Event.RESIZED, cause) is None:
                return False
            jobs.set_spec(connection, job_id, spec)
            return True

        if not await self._database.write(work):
            return False
        self._hub.notify(job_id)
        self._busy[job_id] = ranks
        self._spawn(self._run(job_id))
        self.schedule()
        return True

    async def _move(self, job_id: str, event: Event, cause: str) -> tuple[Action, ...] | None:
        actions = await self._database.write(lambda connection: lifecycle.move(connection, job_id, event, cause))
        self._hub.notify(job_id)
        return actions

    async def _run(self, job_id: str) -> None:
        """From granted slots to free slots."""
        try:
            self._launches[job_id] = await self._launch(job_id)
        except (Unavailable, OSError) as error:
            await self._fail(job_id, Event.LAUNCH_FAILED, str(error))
            self._free(job_id)
            return
        await self._watch(job_id)

    async def _launch(self, job_id: str) -> Launch:
        row = await self._database.read(lambda connection: jobs.get(connection, job_id))
        spec, folder = JobSpec.FromString(row["spec"]), RunDir(Path(row["run_dir"]))
        world, resume = self._worlds.pop(job_id, None), folder.job.exists()
        try:
            folder.prepare(spec, resume)
            last = max((report.attempt for report in journal.read(folder.journal)), default=0)
            folder.write_plan(plan.even(spec, last + 1, job_id, row["token"]))
        except Unavailable:
            if world:
                await world.send_away()
            raise
        if world:
            return world.call()
        return await self._launcher.start(Order(folder.path, spec.ranks, self.data_root, self.worker_address, resume))

    async def _watch(self, job_id: str) -> None:
        """Waits until the ranks are gone, then settles what they left."""
        meeting = asyncio.create_task(self._watch_meeting(job_id))
        try:
            status = await self._launches[job_id].wait()
        finally:
            meeting.cancel()
        del self._launches[job_id]
        row = await self._database.read(lambda connection: jobs.get(connection, job_id))
        await self._settle(row, f"the ranks ended{'' if status is None else f' with exit status {status}'} before the job was done")

    async def _watch_meeting(self, job_id: str) -> None:
        """Until the ranks have met, the death of one leaves the others waiting for it in MPI: ends them."""
        launch = self._launches[job_id]
        while not self._sessions.are_open(job_id) and await self._state(job_id) in (states.STARTING, states.CANCELLING):
            if launch.lost_ranks():
                log.warning("job %s: a rank died before all had met", job_id)
                launch.kill()
            await asyncio.sleep(MEETING_POLL_S)

    async def _state(self, job_id: str) -> int:
        return (await self._database.read(lambda connection: jobs.get(connection, job_id)))["state"]

    async def _settle(self, row: sqlite3.Row, cause: str) -> None:
        """Takes what the link did not deliver from the journal. Ranks without an end record are started again, as
        long as that may help."""
        folder = RunDir(Path(row["run_dir"]))
        reports = await asyncio.to_thread(lambda: list(journal.read(folder.journal)))
        await self._intake.take(row["id"], reports)
        self._traces.attempt(row["id"], row["name"], reports)
        job_id, cause = row["id"], cause + _last_words(folder.log)
        row = await self._database.read(lambda connection: jobs.get(connection, job_id))
        ranks = self._resizing.pop(job_id, 0)
        if ranks and await self._resized(row, ranks):
            return
        if row["state"] in (states.STARTING, states.RUNNING) and self._restarts_of(row).again(Progress.FromString(row["progress"]).step):
            log.warning("job %s: %s; it is started again", job_id, cause)
            if await self._move(job_id, Event.RANKS_CUT_OFF, cause) is not None:
                self._spawn(self._run(job_id))
                return
        folder.release_memory()
        await self._fail(job_id, Event.RANKS_GONE, cause)
        self._free(job_id)

    def _restarts_of(self, row: sqlite3.Row) -> Restarts:
        return self._restarts.setdefault(row["id"], Restarts(JobSpec.FromString(row["spec"]).recovery.restarts))

    async def _adopt(self, row: sqlite3.Row, launch: Launch | None) -> None:
        job_id = row["id"]
        if launch is not None:
            if row["state"] in (states.PAUSING, states.CANCELLING):
                self._spawn(self._stop(job_id, row["cause"]))
            await self._watch(job_id)
        elif row["state"] == states.STARTING and not RunDir(Path(row["run_dir"])).journal.exists():
            await self._run(job_id)  # the coordinator went away before it had started anything
        else:
            await self._settle(row, "the ranks ended while the coordinator was away")

    async def _fail(self, job_id: str, event: Event, cause: str) -> None:
        """Not for good, where the job's policy says so."""
        await self._database.write(lambda connection: retries.fail(connection, job_id, event, cause, time.time()))
        self._hub.notify(job_id)

    def _take_slots(self, job_id: str, ranks: int, owner: str) -> None:
        self._busy[job_id], self._owners[job_id] = ranks, owner

    def _free(self, job_id: str) -> None:
        del self._busy[job_id], self._owners[job_id]
        self._restarts.pop(job_id, None)
        self.schedule()

    async def _stop(self, job_id: str, cause: str, mode: int = CancelMode.CANCEL_MODE_CHECKPOINT) -> None:
        """Asks over the link, else by signal; ends what has not ended after the grace."""
        for _ in range(20):  # a launch may be under way
            if job_id in self._launches:
                break
            await asyncio.sleep(0.05)
        launch = self._launches.get(job_id)
        if launch is None:
            return
        if mode == CancelMode.CANCEL_MODE_NOW:
            await self._end(launch)
            return
        if not self._sessions.stop(job_id, cause, mode == CancelMode.CANCEL_MODE_STEP):
            launch.ask_to_stop()
        await asyncio.sleep(GRACE_S)
        if self._launches.get(job_id) is launch:
            log.warning("job %s: its ranks did not stop in %g s and are ended", job_id, GRACE_S)
            await self._end(launch)

    async def _end(self, launch: Launch) -> None:
        """Kills, and once more what is left."""
        launch.kill()
        await asyncio.sleep(LEAVE_S)
        if launch in self._launches.values():
            launch.kill()

    def _spawn(self, work) -> asyncio.Task:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception():
            log.error("the supervisor failed", exc_info=task.exception())


def _suits(world: World, row: sqlite3.Row) -> bool:
    """Whether the job starts afresh, and these ranks are what it needs."""
    return not RunDir(Path(row["run_dir"])).job.exists() and world.suits(JobSpec.FromString(row["spec"]))


def _last_words(path: Path) -> str:
    """The last line of a log, for the cause of a failure."""
    try:
        lines = path.read_bytes()[-4096:].decode(errors="replace").split("\n")
    except OSError:
        return ""
    words = ["".join(filter(str.isprintable, tags.split(line).text)).strip(" -") for line in lines]
    words = [line for line in words if line]
    return f"; its last words: {words[-1][:200]}" if words else ""
