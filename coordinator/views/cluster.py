"""The coordinator as its users see it: what it is, who waits for what, how ranks are started."""

import asyncio
import importlib.metadata
import platform
import shlex
import sqlite3
import time
from importlib.util import find_spec
from pathlib import Path

from bptrain.v1 import cluster_service_pb2 as pb
from bptrain.v1.job_service_pb2 import Progress
from coordinator.errors import Refusal
from coordinator.jobs import states
from coordinator.jobs.queue import Slots, Waiting, ordered, starts
from coordinator.launchers import Launcher, Order, mpirun
from coordinator.limits import LARGEST_PAGE, LONGEST_WAIT_S, Limits
from coordinator.runs.supervisor import Supervisor
from coordinator.store import jobs, requests
from coordinator.store.database import Database
from coordinator.views.waiting import ends, reason
from worker.datasets import FORMATS
from worker.environments import ENVIRONMENTS
from worker.errors import Unavailable
from worker.exchange import REDUCTIONS
from worker.record.rundir import RunDir

LIBRARIES = {"numpy": "numpy", "numba": "numba", "grpc": "grpcio", "protobuf": "protobuf"}
EXTRAS = {"onnx": "onnx", "certificates": "cryptography", "scikit-learn": "sklearn"}


class Cluster:
    """`standby`: whether ranks wait for the next job."""

    def __init__(self, database: Database, supervisor: Supervisor, launcher: Launcher, limits: Limits, standby: bool):
        self._database, self._supervisor, self._launcher, self._limits, self._standby = database, supervisor, launcher, limits, standby

    async def info(self) -> pb.GetServerInfoResponse:
        limits = pb.ServerLimits(
            queued_jobs=self._limits.queued, token_queued_jobs=self._limits.token_queued, token_slots=self._limits.token_slots,
            token_streams=self._limits.token_streams,
            streams=self._limits.streams, message_bytes=self._limits.message_bytes, page_size=LARGEST_PAGE, wait_s=LONGEST_WAIT_S,
            request_id_s=requests.KEPT_S, deleted_s=self._limits.deleted_s, audit_s=self._limits.audit_s,
            audit_records=self._limits.audit_records)
        return pb.GetServerInfoResponse(version=importlib.metadata.version("bptrain"), versions=await asyncio.to_thread(_versions), time=time.time(),
                                        slots=self._supervisor.slots, limits=limits, features=_features(self._standby))

    async def queue(self) -> pb.GetQueueResponse:
        slots, now = self._supervisor.slots_in_use(), time.time()
        return await self._database.read(lambda connection: _queue(connection, slots, now))

    async def render(self, job_id: str) -> pb.RenderLaunchResponse:
        """Raises Refusal JOB_NOT_FOUND, IN_FOLDS or LAUNCHER_UNAVAILABLE."""
        row = await self._database.read(lambda connection: jobs.get(connection, job_id))
        if row["folds"]:
            raise jobs.in_folds(row)
        folder = Path(row["run_dir"])
        order = Order(folder, row["ranks"], self._supervisor.data_root, self._supervisor.worker_address, RunDir(folder).job.exists())
        try:
            arguments = await asyncio.to_thread(self._launcher.command, order)
        except Unavailable as error:
            raise Refusal("LAUNCHER_UNAVAILABLE", cause=error) from None
        return pb.RenderLaunchResponse(arguments=arguments, line=shlex.join(arguments))


def _versions() -> dict[str, str]:
    """An MPI that is not there is missing here, too."""
    found = {name: importlib.metadata.version(library) for name, library in LIBRARIES.items()} | {"python": platform.python_version()}
    try:
        return found | {"mpi": mpirun.version(mpirun.program()).partition("\n")[0].strip()}
    except Unavailable:
        return found


def _features(standby: bool) -> list[str]:
    extras = [name for name, module in EXTRAS.items() if find_spec(module)]
    return sorted([*(f"data:{name}" for name in FORMATS.types), *(f"environment:{name}" for name in ENVIRONMENTS.types),
                   *(f"reduction:{name}" for name in REDUCTIONS.types), *extras,
                   *(["standby"] if standby else [])])


def _queue(connection: sqlite3.Connection, slots: Slots, now: float) -> pb.GetQueueResponse:
    waiting, active = jobs.queue(connection), jobs.in_states(connection, states.ACTIVE)
    names = {row["id"]: row["name"] for row in jobs.in_states(connection, [states.QUEUED])}
    times = starts(waiting, slots, ends(active, now), now)
    return pb.GetQueueResponse(
        slots=slots.total, free_slots=max(0, slots.free), running=[_running(row, now) for row in active],
        waiting=[_waiting(job, names[job.id], reason(job, waiting, slots, now), times.get(job.id, 0.0)) for job in ordered(waiting)])


def _running(row: sqlite3.Row, now: float) -> pb.QueueEntry:
    left_s = Progress.FromString(row["progress"]).left_s
    return pb.QueueEntry(job_id=row["id"], name=row["name"], owner=row["owner"], state=row["state"], ranks=row["ranks"], priority=row["priority"],
                         estimated_time=now + left_s if left_s else 0.0)


def _waiting(job: Waiting, name: str, why: str, when: float) -> pb.QueueEntry:
    return pb.QueueEntry(job_id=job.id, name=name, owner=job.owner, state=states.QUEUED, ranks=job.ranks, priority=job.priority, reason=why,
                         estimated_time=when)
