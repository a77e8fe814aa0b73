"""A stored job → the Job that users see."""

import json
import sqlite3

from bptrain.v1.job_service_pb2 import Job, Origin, Progress
from bptrain.v1.spec_pb2 import JobSpec
from coordinator.jobs import slowness, states
from coordinator.store import events, jobs
from coordinator.views import folds

WITHOUT_RANKS = (states.QUEUED, states.PAUSED, *states.FINAL)


def is_waiting(row: sqlite3.Row) -> bool:
    """For slots."""
    return row["state"] == states.QUEUED and not row["folds"]


def job_view(connection: sqlite3.Connection, row: sqlite3.Row, brief: bool = False) -> Job:
    """`brief`: without transitions, for lists."""
    job = Job(id=row["id"], spec=JobSpec.FromString(row["spec"]), state=row["state"], cause=row["cause"],
              progress=Progress.FromString(row["progress"]), latest=json.loads(row["latest"]), digest=row["digest"],
              run_dir=row["run_dir"], etag=str(row["version"]), owner=row["owner"], delete_time=row["deleted"], purge_time=row["purge"],
              queue_position=jobs.place(connection, row) if is_waiting(row) else 0, submit_time=jobs.submitted(row["id"]))
    if row["origin_job"]:
        job.origin.CopyFrom(Origin(job_id=row["origin_job"], step=row["origin_step"]))
    if row["failure"]:
        job.failure.ParseFromString(row["failure"])
    if row["folds"]:
        folds.fill(connection, job)
    if row["state"] in WITHOUT_RANKS:
        job.progress.left_s = job.progress.samples_s = 0
        job.progress.ClearField("pace")
        job.progress.ClearField("compiling")
    job.slow_reason = slowness.reason(job.progress)
    if not brief:
        job.transitions.extend(events.transitions(connection, row["id"]))
    return job
