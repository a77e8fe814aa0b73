"""JobService over the wire: a queue behind a busy slot, pages, request ids."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc
import psutil
import pytest

from bptrain.v1 import job_service_pb2 as pb
from bptrain.v1.job_service_pb2_grpc import JobServiceStub
from coordinator.answers import Notice, raised
from coordinator.jobs import states

WAITING = 60  # more than a page


@pytest.fixture(scope="module")
def queue(serving, small, endless):
    """(client, stub, id of a job that keeps the only slot busy, ids that wait behind it)."""
    with serving(slots=1) as (server, client), grpc.insecure_channel(server.address) as channel:
        busy = client.submit(endless(ranks=1)).id
        waiting = [client.submit(small(ranks=1, epochs=1)).id for _ in range(WAITING)]
        yield client, JobServiceStub(channel), busy, waiting


def submit(stub, spec, request_id):
    return stub.SubmitJob(pb.SubmitJobRequest(spec=spec, request_id=request_id)).job


def test_jobs_wait_in_the_order_of_submission(queue):
    client, _, _, waiting = queue
    found = [client.get(job_id) for job_id in waiting]
    assert [job.queue_position for job in found] == list(range(1, WAITING + 1))
    assert {states.label(job.state) for job in found} == {"QUEUED"} and {job.cause for job in found} == {"submitted"}


def test_all_jobs_are_listed_newest_first_over_all_pages(queue):
    client, _, busy, waiting = queue
    assert [job.id for job in client.list()] == [*reversed(waiting), busy]


def test_a_list_has_no_histories(queue):
    client, _, busy, _ = queue
    assert not any(job.transitions for job in client.list())
    assert client.get(busy).transitions


@pytest.mark.parametrize(("size", "lengths"), [(0, [50, 11]), (7, [7] * 8 + [5]), (61, [61]), (5000, [61])])
def test_pages_are_as_long_as_asked_for_and_repeat_nothing(queue, size, lengths):
    _, stub, busy, waiting = queue
    pages, token = [], ""
    while not pages or token:
        page = stub.ListJobs(pb.ListJobsRequest(page_size=size, page_token=token))
        pages, token = [*pages, [job.id for job in page.jobs]], page.next_page_token
    assert [len(page) for page in pages] == lengths
    assert sum(pages, []) == [*reversed(waiting), busy]


def test_a_waiting_job_can_be_cancelled_and_those_behind_it_move_up(queue):
    client, _, _, waiting = queue
    cancelled = client.cancel(waiting[-2])
    assert (states.label(cancelled.state), cancelled.cause, cancelled.queue_position) == ("CANCELLED", "cancelled by a user", 0)
    assert client.get(waiting[-1]).queue_position == WAITING - 1
    assert [event.kind for event in client.watch(waiting[-2])] == ["transition", "transition", "ended"]


def test_a_waiting_job_has_an_empty_log(queue):
    client, _, _, waiting = queue
    assert list(client.logs(waiting[0])) == []


def test_a_repeated_request_makes_one_job(queue, small_spec):
    _, stub, _, _ = queue
    request_id = str(uuid.uuid4())
    first = submit(stub, small_spec(ranks=1), request_id)
    assert submit(stub, small_spec(ranks=1), request_id).id == first.id
    assert submit(stub, small_spec(ranks=1), str(uuid.uuid4())).id != first.id


def test_requests_that_race_make_one_job(queue, small_spec):
    _, stub, _, _ = queue
    request_id = str(uuid.uuid4())
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: submit(stub, small_spec(ranks=1), request_id).id, range(8)))
    assert len(set(made)) == 1


def test_a_request_id_with_another_spec_is_refused(queue, small_spec):
    _, stub, _, _ = queue
    request_id = str(uuid.uuid4())
    first = submit(stub, small_spec(ranks=1), request_id)
    with pytest.raises(grpc.RpcError) as caught:
        submit(stub, small_spec(ranks=1, epochs=5), request_id)
    assert caught.value.code() is grpc.StatusCode.ALREADY_EXISTS
    assert str(raised(caught.value, "")) == f"request id {request_id} was used for another call: SubmitJob of {first.id}"


@contextmanager
def held(job):
    """Its ranks hold still meanwhile."""
    ranks = [process for process in psutil.process_iter(["cmdline"]) if {job.run_dir, "worker"} <= set(process.info["cmdline"] or [])]
    ranks = [process for process in ranks if "mpirun" not in process.name()]
    for rank in ranks:
        rank.suspend()
    yield
    for rank in ranks:
        rank.resume()


def test_asking_twice_to_cancel_is_no_error(queue):
    client, _, busy, _ = queue
    next(event for event in client.watch(busy) if isinstance(event, Notice) and event.kind == "started")
    with held(client.get(busy)):
        assert [states.label(client.cancel(busy).state) for _ in range(2)] == ["CANCELLING"] * 2
    assert list(client.watch(busy))[-1].message.cause == "cancelled by a user"
