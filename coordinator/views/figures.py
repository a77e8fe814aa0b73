"""The coordinator in numbers, for those who watch many things at once."""

import sqlite3
from dataclasses import dataclass

from bptrain.v1.job_service_pb2 import Job, JobState
from coordinator.jobs import states
from coordinator.store import jobs
from coordinator.views.job import job_view


@dataclass(frozen=True)
class Figures:
    """`jobs`: how many in each state. `active`: those with ranks, as users see them."""

    jobs: dict[str, int]
    active: list[Job]


def figures(connection: sqlite3.Connection) -> Figures:
    counted = dict(connection.execute("SELECT state, count(*) FROM jobs GROUP BY state").fetchall())
    active = [job_view(connection, row, brief=True) for row in jobs.in_states(connection, states.ACTIVE)]
    return Figures({states.label(state): counted.get(state, 0) for state in JobState.values() if state}, active)
