"""The link, against a real gRPC server on the loopback: every report arrives in order, exactly once, whatever breaks."""

import threading
from contextlib import ExitStack, closing

import pytest

from bptrain.v1.plan_pb2 import RunPlan
from bptrain.v1.report_pb2 import AttemptStarted, Column, Points, Report
from bptrain.v1.worker_service_pb2 import Command, Stop
from worker.control import Control
from worker.record import link
from worker.record.journal import Journal
from worker.record.link import Link

PLAN = RunPlan(job_id="job-1", attempt=2, token="secret", logical_shards=1)


@pytest.fixture
def journal(tmp_path):
    with closing(Journal(tmp_path / "journal")) as opened:
        yield opened


@pytest.fixture
def attach(journal, monkeypatch):
    """`attach(port)`: the link of this journal, closed when the test is over. It tries again quickly."""
    monkeypatch.setattr(link, "RETRY_S", (0.02, 0.1))
    with ExitStack() as stack:
        def make(port, control=None):
            made = Link(f"127.0.0.1:{port}", PLAN, journal.path, control or Control())
            stack.callback(made.close, 0, 0)
            return made

        yield make


def append(journal, made=None, count=1, size=1):
    for _ in range(count):
        journal.append(Report(attempt=2, points=Points(columns=[Column(series="loss", values=[0.5] * size)])))
        if made:
            made.notify()


def test_it_says_who_is_calling(coordinator, serve, attach, until):
    attach(serve(coordinator)[0])
    until(lambda: coordinator.hellos)
    hello = coordinator.hellos[0]
    assert (hello.job_id, hello.attempt, hello.token) == ("job-1", 2, "secret")


def test_every_report_arrives_in_order_exactly_once(coordinator, serve, journal, attach):
    append(journal, count=5)  # before there is a link
    made = attach(serve(coordinator)[0])
    append(journal, made, count=200)
    assert made.close(205)
    assert coordinator.sequences == list(range(1, 206))


def test_reports_arrive_as_they_were_written(coordinator, serve, journal, attach):
    made = attach(serve(coordinator)[0])
    journal.append(Report(attempt=2, time=1.5, started=AttemptStarted(seed=2**64 - 1, batch_size=8)))
    made.notify()
    assert made.close(1)
    assert coordinator.stored == [Report(sequence=1, attempt=2, time=1.5, started=AttemptStarted(seed=2**64 - 1, batch_size=8))]


def test_a_long_journal_goes_in_several_messages(coordinator, serve, journal, attach):
    """Four mebibytes would be refused in one: gRPC's limit for a message."""
    append(journal, count=60, size=12_000)  # about 96 kB each
    assert attach(serve(coordinator)[0]).close(60, timeout_s=30)
    assert coordinator.sequences == list(range(1, 61))


def test_a_report_larger_than_a_batch_goes_alone(coordinator, serve, journal, attach):
    append(journal, size=100_000)
    append(journal)
    assert attach(serve(coordinator)[0]).close(2)
    assert coordinator.sequences == [1, 2]


def test_what_the_coordinator_has_already_is_not_sent_again(coordinator, serve, journal, attach):
    append(journal, count=5)
    coordinator.stored = [Report(sequence=n) for n in (1, 2, 3)]
    assert attach(serve(coordinator)[0]).close(5)
    assert (coordinator.sequences, coordinator.resent) == ([1, 2, 3, 4, 5], 0)


def test_a_coordinator_that_comes_late_gets_everything(coordinator, serve, journal, attach, until):
    port, stop = serve(coordinator)
    stop()
    made = attach(port)
    append(journal, made, count=3)
    serve(coordinator, port)
    until(lambda: coordinator.sequences == [1, 2, 3])


def test_nothing_is_missing_after_the_coordinator_was_away(coordinator, serve, journal, attach, until):
    port, stop = serve(coordinator)
    made = attach(port)
    append(journal, made, count=3)
    until(lambda: coordinator.sequences == [1, 2, 3])
    stop()
    append(journal, made, count=3)
    serve(coordinator, port)
    append(journal, made, count=3)
    assert made.close(9, timeout_s=30)
    assert (coordinator.sequences, coordinator.resent, len(coordinator.hellos)) == (list(range(1, 10)), 0, 2)


def test_a_coordinator_that_lost_its_last_reports_gets_them_again(coordinator, serve, journal, attach, until):
    port, stop = serve(coordinator)
    made = attach(port)
    append(journal, made, count=5)
    until(lambda: coordinator.sequences == [1, 2, 3, 4, 5])
    stop()
    coordinator.stored = coordinator.stored[:2]
    serve(coordinator, port)
    until(lambda: coordinator.sequences == [1, 2, 3, 4, 5])


def test_a_stop_command_reaches_the_control(coordinator, serve, attach, until):
    control = Control()
    coordinator.command = Command(stop=Stop(cause="cancelled by alice"))
    attach(serve(coordinator)[0], control)
    until(lambda: control.stop)
    assert control.cause == "cancelled by alice"


def test_reports_still_arrive_after_a_command(coordinator, serve, journal, attach, until):
    control = Control()
    coordinator.command = Command(stop=Stop(cause="enough"))
    made = attach(serve(coordinator)[0], control)
    until(lambda: control.stop)
    append(journal, made, count=3)
    assert made.close(3)
    assert coordinator.sequences == [1, 2, 3]


def test_a_refused_link_tries_no_more_and_hurts_nobody(coordinator, serve, journal, attach, until):
    coordinator.refuse = True
    made = attach(serve(coordinator)[0])
    append(journal, made, count=2)
    assert made.close(2, timeout_s=30) is False  # at once, not after the time is up
    assert not any(thread.name == "link" for thread in threading.enumerate())
    assert (len(coordinator.hellos), coordinator.stored) == (1, [])


def test_closing_gives_up_on_a_coordinator_that_is_away(coordinator, serve, journal, attach):
    port, stop = serve(coordinator)
    stop()
    made = attach(port)
    append(journal, made)
    assert made.close(1, timeout_s=0.3) is False


def test_closing_leaves_no_thread(coordinator, serve, journal, attach, until):
    made = attach(serve(coordinator)[0])
    append(journal, made)
    assert made.close(1)
    until(lambda: not any(thread.name == "link" for thread in threading.enumerate()))
