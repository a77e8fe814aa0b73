"""Puts a run's folder in order and starts ranks in it."""

from collections.abc import Callable
from pathlib import Path

from bptrain.v1.spec_pb2 import JobSpec
from coordinator.launchers import Launch, Launcher, Order, parts
from coordinator.runs.standby import World
from coordinator.store import jobs
from coordinator.store.database import Database
from worker import plan
from worker.errors import Unavailable
from worker.record import journal
from worker.record.rundir import RunDir


class Starting:
    """`address()`: where ranks report to, known once the server listens."""

    def __init__(self, database: Database, launcher: Launcher, data_root: Path, address: Callable[[], str]):
        self._database, self._launcher, self._data_root, self._address = database, launcher, data_root, address

    async def start(self, job_id: str, world: World | None) -> Launch:
        """`world`: ranks that wait in the run's folder. Raises Unavailable or OSError."""
        row = await self._database.read(lambda connection: jobs.get(connection, job_id))
        spec, folder = JobSpec.FromString(row["spec"]), RunDir(Path(row["run_dir"]))
        resume = folder.job.exists()
        try:
            folder.prepare(spec, resume)
            last = max((report.attempt for report in journal.read(folder.journal)), default=0)
            folder.write_plan(plan.even(spec, last + 1, job_id, row["token"]))
            parts.begin(folder, last + 1)
        except (Unavailable, OSError):
            if world:
                await world.send_away()
            raise
        if world:
            return world.call()
        return await self._launcher.start(Order(folder.path, spec.ranks, self._data_root, self._address(), resume))

    def find(self, run_dir: Path) -> Launch | None:
        """Ranks that an earlier coordinator started there, if they still run."""
        return self._launcher.find(run_dir)
