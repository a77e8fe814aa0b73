"""Cursors, and what stored events show to readers."""

import pytest

from bptrain.v1.job_service_pb2 import Transition
from coordinator.errors import Refusal
from coordinator.jobs import states
from coordinator.store import events, jobs
from coordinator.views.stream import Position


@pytest.mark.parametrize(("cursor", "revision", "skip"), [("", 0, 0), ("j.7.5", 7, 0), ("j.7.5:3", 7, 3), ("j.0.0:0", 0, 0)])
def test_a_cursor_says_where_to_go_on(cursor, revision, skip):
    assert Position.parse("j", cursor) == Position("j", revision, skip, 5 if revision else 0)


@pytest.mark.parametrize("cursor", ["7", "k.7", "j", "j.", "j.x", "j.-1", "j.7:", "j.7:x", "j.7:1:2", "j.7.", "j.7.x", "j.7.5.3", " j.7", "j.7\n", "j.1e3", "jx7", "J.7",
                                    "j." + "9" * 19])
def test_what_is_not_a_cursor_of_the_job_is_refused(cursor):
    with pytest.raises(Refusal) as caught:
        Position.parse("j", cursor)
    assert str(caught.value) == f'the cursor "{cursor}" is not one of job j'


def test_a_job_id_is_no_pattern():
    with pytest.raises(Refusal):
        Position.parse("j.", "jx.7")


@pytest.fixture
def stored(connection, add_job, script):
    """Events of a whole run: submission, reports, end."""
    job_id = add_job(connection)
    events.add_transition(connection, job_id, Transition(to=states.QUEUED, cause="submitted"))
    reports = script.started().points(range(5)).points([4], "eval_loss").checkpoint(5).ended().reports
    events.add_reports(connection, job_id, reports)
    return job_id, events.after(connection, job_id, 0)


def shown(position, found):
    return [message for event in found for message in position.messages(event)]


def test_readers_see_everything_but_the_end_of_an_attempt(stored):
    """The job's own end comes last, from its row."""
    job_id, found = stored
    kinds = [message.WhichOneof("event") for message in shown(Position(job_id), found)]
    assert kinds == ["transition", "started", "points", "points", "checkpoint"]


def test_each_message_begins_where_the_one_before_ends(stored):
    job_id, found = stored
    messages = shown(Position(job_id), found)
    assert [message.cursor_before for message in messages[1:]] == [message.cursor for message in messages[:-1]]
    assert messages[0].cursor_before == f"{job_id}.0.0"


@pytest.mark.parametrize("skip", range(6))
def test_a_cursor_with_a_number_skips_so_many_rows_of_the_points_behind_it(stored, skip):
    job_id, found = stored
    points = next(event for event in found if event.report and event.report.HasField("points"))
    message, = Position(job_id, points.revision - 1, skip).messages(points)
    assert list(message.points.steps) == list(range(skip, 5))
    assert list(message.points.columns[0].values) == [1 / (step + 1) for step in range(skip, 5)]
    assert len(message.points.times) == 5 - skip


def test_skipped_rows_are_counted_where_the_message_begins(stored):
    job_id, found = stored
    points = next(event for event in found if event.report and event.report.HasField("points"))
    message, = Position(job_id, points.revision - 1, 2).messages(points)
    assert message.cursor_before == f"{job_id}.{points.revision - 1}.0:2"
    assert message.cursor == f"{job_id}.{points.revision}.2"


def test_rows_are_skipped_once(stored):
    job_id, found = stored
    points = next(event for event in found if event.report and event.report.HasField("points"))
    behind = [event for event in found if event.revision >= points.revision]
    assert [len(message.points.steps) for message in shown(Position(job_id, points.revision - 1, 3), behind) if message.HasField("points")] == [2, 1]


def test_a_change_of_state_has_no_rows_to_skip(stored):
    """They come behind it, and its own cursor says so."""
    job_id, found = stored
    message, = Position(job_id, 0, 3).messages(found[0])
    assert message.HasField("transition") and message.cursor == f"{job_id}.{found[0].revision}.0:3"


def test_bookmark_and_end_stand_where_the_reader_stands(connection, stored):
    job_id, found = stored
    position = Position(job_id, found[-1].revision)
    jobs.set_state(connection, job_id, states.SUCCEEDED, "completed")
    for message in (position.bookmark(), position.ended(jobs.get(connection, job_id))):
        assert message.cursor == message.cursor_before == f"{job_id}.{found[-1].revision}.0"
    assert (message.ended.state, message.ended.cause) == (states.SUCCEEDED, "completed")
