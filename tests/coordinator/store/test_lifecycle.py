"""The one place where a stored job changes its state: every row of the table, and nothing beside it."""

import itertools

import pytest

from bptrain.v1.job_service_pb2 import JobState
from coordinator.errors import Refusal
from coordinator.jobs import states
from coordinator.jobs.states import TABLE, Event
from coordinator.store import events, jobs, lifecycle

STATES = [state for state in JobState.values() if state]
MISSING = [pair for pair in itertools.product(STATES, Event) if pair not in TABLE]


def name(value):
    return states.label(value) if isinstance(value, int) else getattr(value, "value", None)


def stored(connection, job_id):
    row = jobs.get(connection, job_id)
    return row["state"], row["cause"]


@pytest.mark.parametrize(("state", "event"), TABLE, ids=name)
def test_a_row_moves_the_job_and_records_why(connection, add_job, state, event):
    job_id, (target, actions) = add_job(connection, state), TABLE[state, event]
    assert lifecycle.move(connection, job_id, event, "because") == actions
    assert stored(connection, job_id) == (target, "because")
    change, = events.transitions(connection, job_id)
    assert (getattr(change, "from"), change.to, change.cause) == (state, target, "because")


@pytest.mark.parametrize(("state", "event"), MISSING, ids=name)
def test_what_is_not_in_the_table_is_refused_and_changes_nothing(connection, add_job, state, event):
    job_id = add_job(connection, state)
    assert lifecycle.move(connection, job_id, event, "because") is None
    assert stored(connection, job_id) == (state, "")
    assert events.transitions(connection, job_id) == []


def test_a_submitted_job_is_queued_and_says_so(connection, add_job):
    job_id = add_job(connection, JobState.JOB_STATE_UNSPECIFIED)
    lifecycle.submitted(connection, job_id)
    assert stored(connection, job_id) == (states.QUEUED, "submitted")
    change, = events.transitions(connection, job_id)
    assert (getattr(change, "from"), change.to) == (JobState.JOB_STATE_UNSPECIFIED, states.QUEUED)


def test_the_history_of_a_job_is_a_chain(connection, add_job):
    job_id = add_job(connection, JobState.JOB_STATE_UNSPECIFIED)
    lifecycle.submitted(connection, job_id)
    for event in (Event.SLOTS_GRANTED, Event.RANKS_MET, Event.CANCEL_ASKED, Event.STOPPED):
        lifecycle.move(connection, job_id, event, event.value)
    history = events.transitions(connection, job_id)
    assert [states.label(change.to) for change in history] == ["QUEUED", "STARTING", "RUNNING", "CANCELLING", "CANCELLED"]
    assert [getattr(change, "from") for change in history[1:]] == [change.to for change in history[:-1]]
    assert [change.time for change in history] == sorted(change.time for change in history)


def test_a_job_that_is_not_there_is_refused(connection):
    with pytest.raises(Refusal, match='there is no job "nope"'):
        lifecycle.move(connection, "nope", Event.CANCEL_ASKED, "")
