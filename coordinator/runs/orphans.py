"""Ranks that run though the store says otherwise: it was put back to an older copy (bptrain backup restore).

1. What runs is what is true: the store follows, and their reports bring what it does not know. So nothing is lost.
2. This is done before ranks are let in: one that the store does not know is sent away for good.
3. Ranks whose attempt has ended are on their way out, and are left alone.
"""

import asyncio
import logging
import sqlite3
from pathlib import Path

from bpcore.errors import BptrainError
from bptrain.v1.job_service_pb2 import Failure
from bptrain.v1.plan_pb2 import RunPlan
from bptrain.v1.spec_pb2 import JobSpec
from coordinator.jobs import folds, states
from coordinator.jobs.states import Event
from coordinator.launchers import Launcher
from coordinator.store import jobs, lifecycle
from coordinator.store.database import Database
from worker.jobs import jobfile
from worker.record import journal
from worker.record.rundir import RunDir

CAUSE = "its ranks were running: the store was put back to a copy from before"

log = logging.getLogger("bptrain.orphans")


class Orphans:
    """`runs`: where runs have their folders."""

    def __init__(self, database: Database, launcher: Launcher, runs: Path):
        self._database, self._launcher, self._runs = database, launcher, runs

    async def take_in(self) -> None:
        """Makes their jobs running ones, which are adopted as all others."""
        for path in await asyncio.to_thread(self._launcher.running, self._runs):
            try:
                await self._take_in(RunDir(self._runs / path.name))
            except BptrainError as error:  # nothing else can be done for them
                log.error("the ranks in %s belong to no job and are stopped: %s", path.name, error)
                self._launcher.find(path).ask_to_stop()

    async def _take_in(self, folder: RunDir) -> None:
        """Raises InvalidInput or Unavailable where it cannot be known what they do."""
        if not folder.plan.exists():
            return  # they wait for a run, and leave
        plan = folder.read_plan()
        if not await self._database.read(lambda connection: _is_active(connection, plan.job_id)) and not await asyncio.to_thread(_has_ended, folder, plan):
            spec, _ = jobfile.read(folder.job)
            await self._database.write(lambda connection: _taken_in(connection, folder, plan, spec))
            log.warning("job %s: %s", plan.job_id, CAUSE)


def _is_active(connection: sqlite3.Connection, job_id: str) -> bool:
    return jobs.exists(connection, job_id) and jobs.get(connection, job_id)["state"] in states.ACTIVE


def _has_ended(folder: RunDir, plan: RunPlan) -> bool:
    return any(report.HasField("ended") and report.attempt == plan.attempt for report in journal.read(folder.journal))


def _taken_in(connection: sqlite3.Connection, folder: RunDir, plan: RunPlan, spec: JobSpec) -> None:
    if not jobs.exists(connection, plan.job_id):
        _add(connection, folder.path.parent, plan, spec)
    row = jobs.get(connection, plan.job_id)
    lifecycle.move(connection, row["id"], Event.RANKS_FOUND, CAUSE)
    known = JobSpec.FromString(row["spec"])
    known.ranks = spec.ranks
    jobs.set_spec(connection, row["id"], known)
    jobs.set_run_dir(connection, row["id"], str(folder.path))
    jobs.set_deleted(connection, row["id"], 0, 0)
    jobs.set_failure(connection, row["id"], Failure())


def _add(connection: sqlite3.Connection, runs: Path, plan: RunPlan, spec: JobSpec) -> None:
    """A job that was submitted since the copy was made, with all its folds. Who has submitted it is not known any more."""
    whole = folds.job_of(plan.job_id) or plan.job_id
    for job_id, each in ((whole, folds.of(spec, 0)), *folds.divided(whole, folds.of(spec, 0))):
        jobs.add(connection, job_id, each, str(runs / job_id), token=plan.token if job_id == plan.job_id else "")
        lifecycle.submitted(connection, job_id, "found by its ranks")
