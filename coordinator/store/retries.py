"""The end of a job for want of ranks: for good, or put off, as its policy says."""

import sqlite3

from bptrain.v1.job_service_pb2 import Progress
from bptrain.v1.spec_pb2 import JobSpec
from coordinator.jobs import failures, states
from coordinator.jobs.states import Event
from coordinator.store import jobs, lifecycle


def fail(connection: sqlite3.Connection, job_id: str, event: Event, cause: str, now: float) -> None:
    """`event`: LAUNCH_FAILED or RANKS_GONE."""
    row = jobs.get(connection, job_id)
    if row["state"] in (states.PAUSING, states.CANCELLING):
        cause = row["cause"]  # it was asked for
    wait_s = failures.wait_s(JobSpec.FromString(row["spec"]).retry, row["tries"])
    if wait_s is not None and states.allowed(row["state"], Event.PUT_OFF):
        jobs.set_tries(connection, job_id, row["tries"] + 1, now + wait_s)
        lifecycle.move(connection, job_id, Event.PUT_OFF, f"{cause}; tried again in {wait_s:g} s")
    elif lifecycle.move(connection, job_id, event, cause) is not None and jobs.get(connection, job_id)["state"] == states.FAILED:
        jobs.set_failure(connection, job_id, failures.failure(cause, Progress.FromString(row["progress"]).step))
