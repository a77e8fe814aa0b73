"""The one place where a stored job changes its state: the table of jobs/states.py, applied and recorded; a job that is
trained in folds follows them, in the same transaction."""

import sqlite3
import time
from collections.abc import Sequence

from bptrain.v1.job_service_pb2 import Transition
from coordinator.errors import Refusal
from coordinator.jobs import folds, states
from coordinator.jobs.states import Action, Event
from coordinator.store import events, jobs


def submitted(connection: sqlite3.Connection, job_id: str, cause: str = "submitted") -> None:
    _record(connection, job_id, 0, states.QUEUED, cause)


def move(connection: sqlite3.Connection, job_id: str, event: Event, cause: str) -> tuple[Action, ...] | None:
    """The actions to perform once this is on disk; None, and nothing changed, where the table has no row."""
    state = jobs.get(connection, job_id)["state"]
    if not states.allowed(state, event):
        return None
    target, actions = states.TABLE[state, event]
    _record(connection, job_id, state, target, cause)
    return actions


def require(connection: sqlite3.Connection, job_id: str, event: Event, cause: str, action: str) -> tuple[Action, ...]:
    """The same, for who insists. `action`: what was asked for, as in "it cannot be paused". Raises Refusal JOB_NOT_FOUND
    or STATE_NOT_ALLOWED."""
    actions = move(connection, job_id, event, cause)
    if actions is None:
        raise not_allowed(jobs.get(connection, job_id), states.sources(event), action)
    return actions


def note(connection: sqlite3.Connection, job_id: str, cause: str) -> None:
    """Something else about the job has changed."""
    row = jobs.get(connection, job_id)
    _append(connection, job_id, row["state"], row["state"], cause)


def not_allowed(row: sqlite3.Row, allowed: Sequence[int], action: str) -> Refusal:
    return Refusal("STATE_NOT_ALLOWED", job=row["id"], state="DELETED" if row["deleted"] else states.label(row["state"]), action=action,
                   allowed=", ".join(map(states.label, allowed)))


def _record(connection: sqlite3.Connection, job_id: str, state: int, target: int, cause: str) -> None:
    jobs.set_state(connection, job_id, target, cause)
    _append(connection, job_id, state, target, cause)
    if divided := folds.job_of(job_id):
        _follow(connection, divided, f"{job_id}: {cause}")


def _follow(connection: sqlite3.Connection, job_id: str, cause: str) -> None:
    before, each = jobs.get(connection, job_id)["state"], [row["state"] for row in jobs.folds(connection, job_id)]
    state = folds.state(each)
    if state != before:
        _record(connection, job_id, before, state, f"all {len(each)} folds have succeeded" if state == states.SUCCEEDED else cause)


def _append(connection: sqlite3.Connection, job_id: str, state: int, target: int, cause: str) -> None:
    transition = Transition(to=target, time=time.time(), cause=cause)
    setattr(transition, "from", state)  # a keyword in Python
    events.add_transition(connection, job_id, transition)
