"""A stored job → the Job that users see."""

import json
import sqlite3

from bptrain.v1.job_service_pb2 import Job, Progress
from bptrain.v1.spec_pb2 import JobSpec
from coordinator.jobs import states
from coordinator.store import events, jobs


def job_view(connection: sqlite3.Connection, row: sqlite3.Row, brief: bool = False) -> Job:
    """`brief`: without transitions, for lists."""
    job = Job(id=row["id"], spec=JobSpec.FromString(row["spec"]), state=row["state"], cause=row["cause"],
              progress=Progress.FromString(row["progress"]), latest=json.loads(row["latest"]), digest=row["digest"],
              run_dir=row["run_dir"], queue_position=jobs.place(connection, row["id"]) if row["state"] == states.QUEUED else 0)
    if row["state"] in states.FINAL:
        job.progress.left_s = job.progress.samples_s = 0
    if not brief:
        job.transitions.extend(events.transitions(connection, row["id"]))
    return job
