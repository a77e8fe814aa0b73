"""The one place where a stored job changes its state: the table of jobs/states.py, applied and recorded."""

import sqlite3
import time

from bptrain.v1.job_service_pb2 import Transition
from coordinator.jobs import states
from coordinator.jobs.states import Action, Event
from coordinator.store import events, jobs


def submitted(connection: sqlite3.Connection, job_id: str) -> None:
    _record(connection, job_id, 0, states.QUEUED, "submitted")


def move(connection: sqlite3.Connection, job_id: str, event: Event, cause: str) -> tuple[Action, ...] | None:
    """The actions to perform once this is on disk; None, and nothing changed, where the table has no row."""
    state = jobs.get(connection, job_id)["state"]
    if not states.allowed(state, event):
        return None
    target, actions = states.TABLE[state, event]
    _record(connection, job_id, state, target, cause)
    return actions


def _record(connection: sqlite3.Connection, job_id: str, state: int, target: int, cause: str) -> None:
    transition = Transition(to=target, time=time.time(), cause=cause)
    setattr(transition, "from", state)  # a keyword in Python
    jobs.set_state(connection, job_id, target, cause)
    events.add_transition(connection, job_id, transition)
