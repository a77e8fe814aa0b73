"""Why a job waits, in words: its place, what it waits for, when it will start."""

import sqlite3
from collections.abc import Sequence

from bptrain.v1.job_service_pb2 import Job, Progress
from coordinator.jobs import states
from coordinator.jobs.queue import Slots, Waiting, ordered, starts
from coordinator.store import jobs


def explain(connection: sqlite3.Connection, job: Job, slots: Slots, now: float) -> None:
    """Fills `waiting_reason` and `estimated_start` of a job that waits."""
    waiting = jobs.queue(connection)
    job.estimated_start = starts(waiting, slots, ends(jobs.in_states(connection, states.ACTIVE), now), now).get(job.id, 0.0)
    job.waiting_reason = reason(next(each for each in waiting if each.id == job.id), waiting, slots, now)


def reason(job: Waiting, waiting: list[Waiting], slots: Slots, now: float) -> str:
    """A sentence."""
    if job.not_before > now:
        return f"it failed and is tried again in {job.not_before - now:.0f} s"
    if slots.are_spent(job):
        return f"token {job.owner} has {slots.used.get(job.owner, 0)} of the {slots.most} slots that it may have, and this needs {job.ranks}"
    ahead = ordered(waiting)
    place = ahead.index(job)
    before = f"{place} job(s) are before it, and " if place else ""
    if slots.free < job.ranks or place:
        return f"{before}{slots.free} of {slots.total} slot(s) are free; it needs {job.ranks}"
    return "it is about to start"


def ends(active: Sequence[sqlite3.Row], now: float) -> list[tuple[float, str, int]]:
    """(when it ends, owner, slots) of each job that says how long it needs."""
    running = [(row, Progress.FromString(row["progress"]).left_s) for row in active]
    return [(now + left_s, row["owner"], row["ranks"]) for row, left_s in running if left_s]
