"""How much may come in: jobs that wait, streams, the size of a message; each refused with a sentence, and only its sender."""

import time

import pytest

from coordinator.client import Client
from coordinator.errors import Refusal
from coordinator.limits import Limits

LIMITS = Limits(queued=2, streams=3, message_bytes=1 << 16)


@pytest.fixture(scope="module")
def client(serving):
    with serving(slots=1, limits=LIMITS) as (_, opened):
        yield opened


@pytest.fixture(scope="module")
def waiting(client, small, endless):
    """Jobs behind one that keeps the only slot busy, as many as may be."""
    client.submit(endless(ranks=1))
    return [client.submit(small(ranks=1)).id for _ in range(LIMITS.queued)]


def refusal(call):
    with pytest.raises(Refusal) as caught:
        call()
    return caught.value.reason, str(caught.value)


def test_a_full_queue_takes_no_job_until_one_has_left_it(client, waiting, small):
    full = ("QUEUE_FULL", "the queue is full, with 2 job(s) waiting; try again when one has started")
    assert refusal(lambda: client.submit(small(ranks=1))) == full
    client.cancel(waiting[-1])
    waiting[-1] = client.submit(small(ranks=1)).id
    assert refusal(lambda: client.submit(small(ranks=1))) == full


def test_a_full_queue_still_checks_jobs(client, waiting, small):
    assert client.submit(small(ranks=1), validate_only=True).spec.name == "small"


def test_more_streams_than_may_be_are_refused_and_a_closed_one_makes_room(client, waiting):
    full = ("STREAM_LIMIT", "as many streams are open as all callers together may have, 3; try again when one has ended")
    with Client(client.address) as other:
        streams = [other.watch(waiting[0]) for _ in range(LIMITS.streams)]
        assert [next(stream).kind for stream in streams] == ["transition"] * LIMITS.streams
        assert refusal(lambda: next(client.watch(waiting[0]))) == full
        assert client.get(waiting[0]).id == waiting[0]  # other calls go on
    for _ in range(3 * LIMITS.streams):  # the other has hung up; so do these, one after the other
        opened(client.address, waiting[0])


def opened(address, job_id, deadline_s=10):
    """Opens a stream and drops it, as soon as there is room."""
    until = time.monotonic() + deadline_s
    with Client(address) as client:
        while True:
            try:
                return next(client.watch(job_id))
            except Refusal:
                assert time.monotonic() < until
                time.sleep(0.05)


def test_a_message_that_is_too_large_is_refused_with_its_size(client, waiting, small):
    reason, sentence = refusal(lambda: client.submit(small(ranks=1) | {"metrics": ["accuracy"] * 10_000}, validate_only=True))
    assert reason == "MESSAGE_TOO_LARGE"
    assert sentence.startswith("a message of 1") and sentence.endswith(f" bytes was sent, and {LIMITS.message_bytes} are the most that may be")
    assert client.get(waiting[0]).id == waiting[0]
