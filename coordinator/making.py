"""New jobs: handed in, or forked from a checkpoint of another one."""

import asyncio
import shutil
import sqlite3
from pathlib import Path

from bpcore.errors import InvalidInput, Problem, expected
from bpcore.model import Model
from bpcore.optimization.update import Updater
from bptrain.v1 import job_service_pb2 as pb
from bptrain.v1.spec_pb2 import JobSpec
from coordinator.access.caller import owner, who
from coordinator.changes import Changes, Done
from coordinator.jobs import folds
from coordinator.jobs.checked import Checked
from coordinator.jobs.patch import FORKABLE, patched
from coordinator.runs import kept
from coordinator.store import jobs, lifecycle
from coordinator.store.database import Database
from worker.errors import Unavailable
from worker.jobs import checks, specs
from worker.jobs.job import Job
from worker.record import checkpoint
from worker.record.rundir import RunDir

New = pb.SubmitJobRequest | pb.ForkJobRequest


class Making:
    """`slots`: ranks that may run at once; `runs`: where runs have their folders."""

    def __init__(self, database: Database, changes: Changes, runs: Path, data_root: Path, slots: int):
        self._database, self._changes, self._runs, self._data_root, self._slots = database, changes, runs, data_root, slots
        self._checked = Checked(self._with_defaults)

    async def submit(self, request: pb.SubmitJobRequest) -> pb.Job:
        """Raises InvalidInput with every problem, Refusal REQUEST_ID_REUSED, QUEUE_FULL, QUOTA or DRAINING."""
        if earlier := await self._changes.first_answer(request):
            return earlier
        spec = await self._checked.spec(request.spec)
        return _without_id(request, await self._changes.make(request, lambda connection: self._add(connection, request, jobs.new_id(), spec, "submitted")))

    async def fork(self, request: pb.ForkJobRequest) -> pb.Job:
        """Raises the same, and Refusal JOB_NOT_FOUND, CHECKPOINT_NOT_FOUND or CHECKPOINT_CORRUPT."""
        if earlier := await self._changes.first_answer(request):
            return earlier
        row = await self._database.read(lambda connection: jobs.get(connection, request.id))
        if row["folds"]:
            raise jobs.in_folds(row)
        job = await asyncio.to_thread(self._check, patched(JobSpec.FromString(row["spec"]), request.spec, request.update_mask, FORKABLE))
        job_id = jobs.new_id()
        folder = RunDir(self._runs / job_id)
        try:
            step = await asyncio.to_thread(_adopt, job, row, request.step, folder)
            origin = pb.Origin(job_id=request.id, step=step)
            made = await self._changes.make(request, lambda connection: self._add(
                connection, request, job_id, job.spec, f"forked from {request.id} at step {step} by {who()}", origin))
        except BaseException:
            shutil.rmtree(folder.path, ignore_errors=True)
            raise
        if made.id != job_id or request.validate_only:  # a repeat that raced, or a question
            shutil.rmtree(folder.path, ignore_errors=True)
        return _without_id(request, made)

    def _with_defaults(self, spec: JobSpec) -> JobSpec:
        """Where one of its folds can be trained, all can."""
        return folds.of(self._check(folds.of(spec, 1)).spec, 0) if folds.count(spec) else self._check(spec).spec

    def _check(self, spec: JobSpec) -> Job:
        slots = self._slots
        problems = [Problem("ranks", expected(f"at most {slots}, the coordinator's slots", spec.ranks))] if spec.ranks > slots else []
        return checks.check(spec, self._data_root, problems)

    def _add(self, connection: sqlite3.Connection, request: New, job_id: str, spec: JobSpec, cause: str, origin: pb.Origin = pb.Origin()) -> Done:
        each = list(folds.divided(job_id, spec))
        if not request.validate_only:
            self._changes.require_room(connection, len(each) or 1)
        jobs.add(connection, job_id, spec, str(self._runs / job_id), owner(), origin)
        lifecycle.submitted(connection, job_id, cause)
        for fold_id, fold in each:
            jobs.add(connection, fold_id, fold, str(self._runs / fold_id), owner())
            lifecycle.submitted(connection, fold_id, cause)
        return Done(job_id)


def _adopt(job: Job, row: sqlite3.Row, step: int, folder: RunDir) -> int:
    """Puts a checkpoint of the other job into the new one's folder; steps done. `step`: 0 for the newest."""
    source = RunDir(Path(row["run_dir"])).checkpoints
    vectors = Updater(job.maths, Model(job.maths).layout).state
    try:
        found = checkpoint.adopt(source, step or -1, folder.checkpoints, specs.fingerprint(job.spec), vectors)
    except Unavailable as error:
        raise InvalidInput([Problem("optimizer", str(error))]) from None
    if found < 0:
        raise kept.refusal(row["id"], source, step)
    folder.prepare(job.spec, resume=False)
    return found


def _without_id(request: New, job: pb.Job) -> pb.Job:
    """Of a job that is only checked: it does not exist."""
    if not request.validate_only:
        return job
    return pb.Job(spec=job.spec, origin=job.origin if job.HasField("origin") else None)
