"""Rows of events: transitions and reports of every job, in one order."""

import sqlite3

import pytest

from bptrain.v1.job_service_pb2 import Transition
from coordinator.jobs import states
from coordinator.store import events


@pytest.fixture
def job_id(connection, add_job):
    return add_job(connection)


@pytest.fixture
def reports(script):
    return script.started().points(range(5)).checkpoint(5).points(range(5, 10)).ended().reports


def test_reports_come_back_as_they_were_added(connection, job_id, reports):
    assert events.add_reports(connection, job_id, reports) == reports
    assert list(events.reports(connection, job_id)) == reports


def test_only_what_is_new_is_stored_and_named(connection, job_id, reports):
    events.add_reports(connection, job_id, reports[:3])
    assert events.add_reports(connection, job_id, reports) == reports[3:]
    assert list(events.reports(connection, job_id)) == reports


def test_a_report_that_came_twice_in_one_batch_is_stored_once(connection, job_id, reports):
    assert events.add_reports(connection, job_id, [reports[0], reports[0]]) == reports[:1]


def test_the_first_of_two_reports_of_one_number_stands(connection, job_id, reports):
    events.add_reports(connection, job_id, reports[:1])
    changed = type(reports[0]).FromString(reports[0].SerializeToString())
    changed.time += 1
    assert events.add_reports(connection, job_id, [changed]) == []
    assert list(events.reports(connection, job_id)) == reports[:1]


def test_the_last_sequence_is_that_of_the_newest_report(connection, job_id, reports):
    assert events.last_sequence(connection, job_id) == 0
    events.add_reports(connection, job_id, reports)
    events.add_transition(connection, job_id, Transition(to=states.RUNNING))
    assert events.last_sequence(connection, job_id) == len(reports)


def test_jobs_do_not_see_each_other(connection, job_id, add_job, reports):
    other = add_job(connection)
    events.add_reports(connection, job_id, reports)
    events.add_transition(connection, job_id, Transition(to=states.RUNNING))
    assert (list(events.reports(connection, other)), events.transitions(connection, other), events.last_sequence(connection, other)) == ([], [], 0)
    assert events.after(connection, other, 0) == []
    assert events.add_reports(connection, other, reports) == reports


def test_events_of_both_kinds_come_in_one_order(connection, job_id, reports):
    events.add_transition(connection, job_id, Transition(cause="first"))
    events.add_reports(connection, job_id, reports[:1])
    events.add_transition(connection, job_id, Transition(cause="last"))
    first, middle, last = events.after(connection, job_id, 0)
    assert (first.transition.cause, middle.report, last.transition.cause) == ("first", reports[0], "last")
    assert first.revision < middle.revision < last.revision


def test_revisions_never_go_back(connection, job_id, reports):
    """Also not when the newest rows are gone: a cursor never means two things."""
    events.add_reports(connection, job_id, reports)
    newest = events.after(connection, job_id, 0)[-1].revision
    connection.execute("DELETE FROM events WHERE revision = ?", [newest])
    events.add_transition(connection, job_id, Transition())
    assert events.after(connection, job_id, 0)[-1].revision > newest


def test_reading_on_from_any_revision_gives_the_rest(connection, job_id, reports):
    events.add_reports(connection, job_id, reports)
    everything = events.after(connection, job_id, 0)
    for i, event in enumerate(everything):
        assert events.after(connection, job_id, event.revision) == everything[i + 1:]


def test_events_come_in_portions(connection, job_id, reports):
    events.add_reports(connection, job_id, reports)
    assert [event.report for event in events.after(connection, job_id, 0, limit=2)] == reports[:2]


def test_a_payload_must_be_there(connection, job_id):
    with pytest.raises(sqlite3.IntegrityError, match="NOT NULL"):
        connection.execute("INSERT INTO events (job_id) VALUES (?)", [job_id])
