"""Artifacts that go because somebody asks for it. What may go stands in artifact_service.proto, and is decided by `_why_kept`.

1. Only of a job without ranks: those remove old checkpoints themselves.
2. What goes is out of sight in the transaction that has looked at the job's state, so no ranks start in between; its bytes
   are given back behind it.
"""

import asyncio
import sqlite3
from pathlib import Path

from bptrain.v1 import artifact_service_pb2 as pb
from bptrain.v1.spec_pb2 import JobSpec
from coordinator.access.caller import who
from coordinator.errors import Refusal
from coordinator.jobs import states
from coordinator.runs.hub import Hub
from coordinator.store import jobs, lifecycle, requests
from coordinator.store.database import Database
from coordinator.views import artifacts, files
from coordinator.views.job import WITHOUT_RANKS
from worker.record import checkpoint
from worker.record.rundir import RunDir

LOG, RECORD = "log", ("job.json", "journal")


class Removing:
    def __init__(self, database: Database, hub: Hub):
        self._database, self._hub = database, hub

    async def delete(self, request: pb.DeleteArtifactRequest) -> pb.DeleteArtifactResponse:
        """Raises Refusal JOB_NOT_FOUND, IN_FOLDS, STATE_NOT_ALLOWED, ARTIFACT_NOT_FOUND, ARTIFACT_NEEDED or REQUEST_ID_REUSED."""
        if earlier := await self._database.read(lambda connection: _first_answer(connection, request)):
            return earlier
        row = await self._database.read(lambda connection: _without_ranks(connection, request.job_id))
        would = await asyncio.to_thread(_checked, row, request)
        if request.validate_only:
            return would
        await asyncio.to_thread(files.remove_hidden, Path(row["run_dir"]), request.name)  # of one that was cut short
        answer = await self._database.write(lambda connection: _removed(connection, request, would))
        self._hub.notify(request.job_id)
        await asyncio.to_thread(files.remove_hidden, Path(row["run_dir"]), request.name)
        return answer


def _first_answer(connection: sqlite3.Connection, request: pb.DeleteArtifactRequest) -> pb.DeleteArtifactResponse | None:
    return None if request.validate_only else requests.first_answer(connection, request, pb.DeleteArtifactResponse)


def _without_ranks(connection: sqlite3.Connection, job_id: str) -> sqlite3.Row:
    row = jobs.get(connection, job_id)
    if row["folds"]:
        raise jobs.in_folds(row)
    if row["deleted"] or row["state"] not in WITHOUT_RANKS:
        raise lifecycle.not_allowed(row, WITHOUT_RANKS, "relieved of artifacts")
    return row


def _checked(row: sqlite3.Row, request: pb.DeleteArtifactRequest) -> pb.DeleteArtifactResponse:
    """What goes. Raises Refusal ARTIFACT_NOT_FOUND or ARTIFACT_NEEDED."""
    listed = artifacts.listed(Path(row["run_dir"]))
    gone = [each for each in listed if request.name and request.name in (each.name, each.name.rpartition("/")[0])]
    if not gone:
        raise Refusal("ARTIFACT_NOT_FOUND", job=row["id"])
    if cause := _why_kept(row, request.name, gone[0], request.force):
        raise Refusal("ARTIFACT_NEEDED", job=row["id"], name=request.name, cause=cause)
    return pb.DeleteArtifactResponse(artifacts=gone)


def _why_kept(row: sqlite3.Row, name: str, first: pb.Artifact, force: bool) -> str:
    """Empty where it may go. `first`: the first file of it."""
    if name == LOG:
        return ""
    if name in RECORD:
        return "it is the job's record, which goes with the job alone"
    if name == first.name:
        return f"it is a part of {name.rpartition('/')[0]}, which goes as a whole"
    checkpoints = RunDir(Path(row["run_dir"])).checkpoints
    is_newest = first.step == checkpoint.newest_whole(checkpoints)
    if is_newest and row["state"] not in states.FINAL:
        return "the job goes on from it"
    if is_newest and not force:
        return "it is the newest, with which predictions, exports, forks and another try begin; force takes it, too"
    if not force and JobSpec.FromString(row["spec"]).checkpoint.keep_best and first.step == checkpoint.lowest(checkpoints):
        return "its held-out loss is the lowest; force takes it, too"
    return ""


def _removed(connection: sqlite3.Connection, request: pb.DeleteArtifactRequest, response: pb.DeleteArtifactResponse) -> pb.DeleteArtifactResponse:
    if earlier := _first_answer(connection, request):
        return earlier
    folder = Path(_without_ranks(connection, request.job_id)["run_dir"])
    try:
        files.hide(folder, request.name)
    except FileNotFoundError:
        raise Refusal("ARTIFACT_NOT_FOUND", job=request.job_id) from None
    if request.name == LOG:
        RunDir(folder).attempts.unlink(missing_ok=True)  # places in it
    lifecycle.note(connection, request.job_id, f"{request.name} removed by {who()}")
    requests.remember(connection, request, response, request.job_id)
    return response
