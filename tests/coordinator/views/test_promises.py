"""The eight promises of WatchMetrics, a test each, and what a slow reader costs: bounded memory, and a gap that is said."""

import asyncio
from contextlib import closing, suppress

import grpc
import pytest

from bptrain.v1.metric_service_pb2 import WatchMetricsRequest, WatchMetricsResponse
from bptrain.v1.metric_service_pb2_grpc import MetricServiceStub, add_MetricServiceServicer_to_server
from coordinator.jobs import states
from coordinator.runs.hub import Hub
from coordinator.runs.intake import Intake
from coordinator.services.metrics import Metrics as Servicer
from coordinator.store import backup, lifecycle
from coordinator.store.database import Database
from coordinator.views import stream
from coordinator.views.metrics import Metrics

DEADLINE_S = 60


class Desk:
    """A store with one job whose ranks are being started, what reports come through, and what readers read."""

    def __init__(self, path, add_job):
        self.path = path
        self._open()
        self.job_id = asyncio.run(self.database.write(lambda connection: self._add(connection, add_job)))

    def _open(self):
        self.database, hub = Database(self.path), Hub()
        self.intake, self.view = Intake(self.database, hub), Metrics(self.database, hub)

    @staticmethod
    def _add(connection, add_job):
        job_id = add_job(connection, states.STARTING)
        lifecycle.submitted(connection, job_id)
        connection.execute("UPDATE jobs SET state = ? WHERE id = ?", (states.STARTING, job_id))
        return job_id

    def take(self, reports):
        asyncio.run(self.intake.take(self.job_id, reports))

    def read(self, cursor="", count=10**9, most_behind=0):
        """At most so many messages from a cursor on."""

        async def gather():
            messages, stream = [], self.view.watch(WatchMetricsRequest(job_id=self.job_id, cursor=cursor, most_behind=most_behind))
            async for message in stream:
                messages.append(WatchMetricsResponse.FromString(message))
                if len(messages) == count:
                    break
            await stream.aclose()
            return messages

        return asyncio.run(asyncio.wait_for(gather(), DEADLINE_S))

    def put_back(self):
        """To the newest copy, as after damage."""
        self.database.close()
        backup.restore(self.path)
        self._open()

    def close(self):
        self.database.close()


@pytest.fixture
def desk(tmp_path, add_job):
    with closing(Desk(tmp_path / "store.db", add_job)) as opened:
        yield opened


@pytest.fixture
def reports(script):
    """A run that was cut off at step 60 and resumed at step 50."""
    script.started(total_steps=100)
    for first in range(0, 60, 5):
        script.points(range(first, first + 5))
    script.started(first_step=50, total_steps=100)
    for first in range(50, 100, 5):
        script.points(range(first, first + 5))
    return script.points([99], "eval_loss").ended(step=100).reports


def revision(message):
    return int(message.cursor.split(".")[1])


def kinds(messages):
    return [message.WhichOneof("event") for message in messages]


def test_ordered(desk, reports):
    desk.take(reports)
    revisions = [revision(message) for message in desk.read()]
    assert revisions == sorted(revisions) and len(revisions) > 25


def test_unique(desk, reports):
    """Also across reconnects behind every single message."""
    desk.take(reports)
    whole, pieces, cursor = desk.read(), [], ""
    while not pieces or not pieces[-1].HasField("ended"):
        pieces += desk.read(cursor, 1)
        cursor = pieces[-1].cursor
    assert pieces == whole
    assert len({message.cursor for message in whole if not message.HasField("ended")}) == len(whole) - 1


def test_reliable(desk, reports):
    """Whatever the sizes of the batches and however often the reader comes, every row is there."""
    for count in range(0, len(reports), 3):
        desk.take(reports[count:count + 3])
    steps = [step for message in desk.read() if message.HasField("points") for step in message.points.steps]
    assert steps == [*range(60), *range(50, 100), 99]


def test_resumable(desk, reports):
    """From every cursor that was ever given, also after the coordinator was started again."""
    desk.take(reports)
    whole = desk.read()
    desk.intake, desk.view = Intake(desk.database, Hub()), Metrics(desk.database, Hub())
    for i, message in enumerate(whole[:-1]):
        assert desk.read(message.cursor) == whole[i + 1:]


def rows(messages):
    """(step, value) of every row, in the order in which they came."""
    return [(step, column.values[i]) for message in messages if message.HasField("points")
            for column in message.points.columns for i, step in enumerate(message.points.steps)]


def test_resumable_unique_and_reliable_also_where_the_store_was_put_back_to_a_copy(desk, reports):
    """From each cursor that was given since the copy was made, and before: the ranks' journal comes in again from where the copy ends."""
    desk.take(reports[:12])
    asyncio.run(desk.database.backup())
    desk.take(reports[12:20])
    before = desk.read(count=21)
    desk.put_back()
    for come in (16, 20, len(reports)):  # first less than a reader has, then as much, then more
        desk.take(reports[:come])
    whole = rows(desk.read())
    assert len(whole) == 111
    for i, message in enumerate(before):
        seen = rows(before[:i + 1])
        assert seen + rows(desk.read(message.cursor)) == whole
        if message.HasField("points"):
            half = f"{message.cursor_before}:2"  # a program that was cut off within the message
            assert rows(before[:i]) + rows([message])[:2] + rows(desk.read(half)) == whole


def test_a_reader_that_is_ahead_of_a_store_that_was_put_back_waits_for_what_it_lacks(desk, reports):
    """And goes on from every cursor that it gets meanwhile."""
    desk.take(reports[:5])
    asyncio.run(desk.database.backup())
    desk.take(reports[5:20])
    before = desk.read(count=21)
    desk.put_back()
    cursor, found = before[-1].cursor, []
    for come in range(5, len(reports) + 1):
        desk.take(reports[:come])
        asyncio.run(desk.database.write(lambda connection: lifecycle.note(connection, desk.job_id, "looked at")))
        found += (message := desk.read(cursor, count=1))
        cursor = message[-1].cursor
    found += desk.read(cursor)
    assert rows(before) + rows(found) == rows(desk.read())


def test_no_revision_is_given_twice_however_often_the_store_is_put_back(desk, reports):
    desk.take(reports[:12])
    asyncio.run(desk.database.backup())
    kept, given = {revision(message) for message in desk.read(count=14)}, set()
    for _ in range(3):
        desk.take(reports)
        new = {revision(message) for message in desk.read()} - kept
        assert new and not new & given
        given |= new
        desk.put_back()


def test_bookmarked(desk, script, monkeypatch):
    """Nothing happens, and the reader hears so, with a cursor to go on from."""
    monkeypatch.setattr(stream, "BOOKMARK_S", 0.05)
    desk.take(script.started().points(range(5)).reports)
    *_, points, one, other = desk.read(count=6)
    assert kinds([points, one, other]) == ["points", "bookmark", "bookmark"]
    assert one.cursor == other.cursor == points.cursor


def test_atomic(desk, script):
    """The values of a step come in one message."""
    report = script.started().points(range(5)).reports[-1]
    report.points.columns.add(series="accuracy", values=[0.5] * 5)
    desk.take(script.ended().reports)
    found = [message.points for message in desk.read() if message.HasField("points")]
    assert [(list(points.steps), [column.series for column in points.columns]) for points in found] == [
        (list(range(5)), ["loss", "accuracy"])]


def test_ended(desk, reports):
    """Said to every reader as the last thing and never before."""
    desk.take(reports[:-1])
    assert "ended" not in kinds(desk.read(count=26))
    desk.take(reports)
    *before, last = desk.read()
    assert last.ended.state == states.SUCCEEDED and last.ended.cause == "completed" and "ended" not in kinds(before)
    assert kinds(desk.read(last.cursor)) == ["ended"]


def test_attempt_aware(desk, reports):
    """Between the rows and their repetition stands where the repetition begins."""
    desk.take(reports)
    seen = []
    for message in desk.read():
        if message.HasField("started"):
            seen = [step for step in seen if step < message.started.first_step]
        elif message.HasField("points") and message.points.columns[0].series == "loss":
            seen += message.points.steps
    assert seen == list(range(100))


def test_a_slow_reader_is_told_what_it_misses(desk, reports):
    desk.take(reports)
    messages = desk.read(most_behind=6)
    gaps = [message.gap for message in messages if message.HasField("gap")]
    steps = [step for message in messages if message.HasField("points") for step in message.points.steps]
    assert [(gap.first_step, gap.last_step, gap.rows) for gap in gaps[:1]] == [(0, 59, 60)]
    assert sum(gap.rows for gap in gaps) + len(steps) == 60 + 50 + 1
    assert kinds(messages).count("started") == 2 and messages[-1].HasField("ended")


def test_a_reader_that_left_in_a_gap_goes_on_behind_it(desk, reports):
    desk.take(reports)
    messages = desk.read(most_behind=6)
    gap = kinds(messages).index("gap")
    assert desk.read(messages[gap].cursor, most_behind=6) == messages[gap + 1:]


def test_a_reader_that_does_not_read_costs_little_memory(desk, script):
    """Of 40 MB no more is taken out of the store than gRPC's windows hold."""
    script.started(total_steps=10**7)
    for first in range(0, 5000 * 500, 500):
        script.points(range(first, first + 500))
    desk.take(script.reports)

    async def serve():
        taken = 0
        watch = desk.view.watch

        async def counted(request):
            nonlocal taken
            async for message in watch(request):
                taken += len(message)
                yield WatchMetricsResponse.FromString(message)

        desk.view.watch = counted
        server = grpc.aio.server()
        add_MetricServiceServicer_to_server(Servicer(desk.view), server)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            call = MetricServiceStub(channel).WatchMetrics(WatchMetricsRequest(job_id=desk.job_id))
            await call.read()
            before = -1
            while taken != before:  # until nothing is taken any more
                before = taken
                await asyncio.sleep(0.5)
            call.cancel()
            with suppress(asyncio.CancelledError):
                await call.code()
        await server.stop(0)
        return taken

    size = sum(report.ByteSize() for report in script.reports)
    assert asyncio.run(asyncio.wait_for(serve(), DEADLINE_S)) < size / 4
