"""MetricService over the wire: a stream that can be taken up again anywhere."""

import pytest

from bptrain.v1.metric_service_pb2 import WatchMetricsRequest
from bptrain.v1.metric_service_pb2_grpc import MetricServiceStub
from coordinator.client import Notice, Point
from coordinator.errors import Refusal


@pytest.fixture(scope="module")
def job(shared):
    """(client, job id) of a job that has ended."""
    _, client, job_id = shared
    return client, job_id


@pytest.fixture(scope="module")
def messages(job):
    client, job_id = job
    return list(client.messages(job_id))


@pytest.fixture(scope="module")
def events(job):
    client, job_id = job
    return list(client.watch(job_id))


def test_a_stream_has_many_messages_and_the_last_is_the_end(messages):
    kinds = [message.WhichOneof("event") for message in messages]
    assert kinds[:3] == ["transition", "transition", "started"] and kinds.count("transition") == 4
    assert kinds.count("points") > 5 and kinds.count("checkpoint") > 4
    assert kinds.count("ended") == 1 and kinds[-1] == "ended"


def test_every_message_begins_where_the_one_before_ends(messages):
    """But for what readers do not see: the end record of the attempt."""
    gaps = [i for i, (one, other) in enumerate(zip(messages, messages[1:]), start=1) if other.cursor_before != one.cursor]
    assert [messages[i].WhichOneof("event") for i in gaps] in ([], ["transition"])


def test_from_every_cursor_of_a_message_on_the_rest_comes(job, messages):
    client, job_id = job
    for i, message in enumerate(messages):
        rest = [(later.WhichOneof("event"), later.cursor) for later in messages[i + 1:]]
        got = [(later.WhichOneof("event"), later.cursor) for later in client.messages(job_id, message.cursor)]
        assert got == (rest or [("ended", message.cursor)])  # the end is said to everybody


def test_from_before_every_message_on_it_comes_again(job, messages):
    client, job_id = job
    for message in messages:
        assert next(client.messages(job_id, message.cursor_before)).cursor == message.cursor


def test_from_every_cursor_of_a_point_on_the_remaining_points_come(job, events):
    client, job_id = job
    points = [event for event in events if isinstance(event, Point)]
    for i, point in enumerate(points):
        assert [later for later in client.watch(job_id, point.cursor) if isinstance(later, Point)] == points[i + 1:]


def test_from_every_cursor_of_a_notice_on_the_remaining_events_come(job, events):
    client, job_id = job
    for i, event in enumerate(events):
        if isinstance(event, Notice):
            assert list(client.watch(job_id, event.cursor)) == (events[i + 1:] or events[-1:])


def test_cursors_of_points_are_all_different(events):
    cursors = [event.cursor for event in events if isinstance(event, Point)]
    assert len(set(cursors)) == len(cursors)


def test_a_reader_that_reconnects_after_every_point_misses_none(job, events):
    client, job_id = job
    points, cursor = [event for event in events if isinstance(event, Point)], ""
    for point in points:
        again = next(event for event in client.watch(job_id, cursor) if isinstance(event, Point))
        assert again == point
        cursor = again.cursor


@pytest.mark.parametrize("cursor", ["garbage", "otherjob.3", "{job}", "{job}.3:", "{job}.3 "])
def test_a_cursor_that_is_not_one_of_the_job_is_refused(job, cursor):
    client, job_id = job
    cursor = cursor.format(job=job_id)
    with pytest.raises(Refusal) as caught:
        list(client.watch(job_id, cursor))
    assert caught.value.reason == "CURSOR_FOREIGN"
    assert str(caught.value) == f'the cursor "{cursor}" is not one of job {job_id}'


def test_a_cursor_from_the_future_is_none_of_the_job(job):
    """A reader that waited behind it would miss what comes until then."""
    client, job_id = job
    with pytest.raises(Refusal, match=f'^the cursor "{job_id}.999999999" is not one of job {job_id}$'):
        list(client.watch(job_id, f"{job_id}.999999999"))


def test_readers_that_leave_in_the_middle_hurt_nobody(shared, job, messages):
    client, job_id = job
    for _ in range(20):
        stream = MetricServiceStub(client._channel).WatchMetrics(WatchMetricsRequest(job_id=job_id))
        next(stream)
        stream.cancel()
    assert len(list(client.messages(job_id))) == len(messages)
