"""Every change to jobs over the wire, with a queue behind a busy slot: states, request ids, what is only checked."""

import time
import uuid

import grpc
import pytest
from click.testing import CliRunner
from google.protobuf.field_mask_pb2 import FieldMask
from google.rpc.error_details_pb2 import PreconditionFailure
from grpc_status import rpc_status

from bpcore.errors import InvalidInput
from bptrain.v1 import job_service_pb2 as pb
from bptrain.v1.job_service_pb2_grpc import JobServiceStub
from bptrain.v1.spec_pb2 import JobSpec
from coordinator.answers import raised
from coordinator.cli import bptrain
from coordinator.errors import Refusal
from coordinator.jobs import states


@pytest.fixture(scope="module")
def queue(serving, endless):
    """(client, stub, id of a job that keeps the only slot busy)."""
    with serving(slots=1) as (server, client), grpc.insecure_channel(server.address) as channel:
        yield client, JobServiceStub(channel), client.submit(endless(ranks=1)).id


@pytest.fixture
def waiting(queue, small):
    """The id of a job that waits."""
    client, _, _ = queue
    job_id = client.submit(small(ranks=1, logical_shards=2)).id
    yield job_id
    if client.get(job_id).state not in states.FINAL:
        client.cancel(job_id)


def state(job):
    return states.label(job.state)


def refusal(call):
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return caught.value


def test_a_waiting_job_pauses_resumes_and_is_cancelled_at_once(queue, waiting):
    client, _, _ = queue
    assert state(client.pause(waiting)) == "PAUSED"
    assert client.get(waiting).queue_position == 0
    assert state(client.resume(waiting)) == "QUEUED"
    assert state(client.pause(waiting)) == "PAUSED" and state(client.cancel(waiting)) == "CANCELLED"
    causes = [change.cause for change in client.get(waiting).transitions]
    assert causes == ["submitted", "paused by a user", "resumed by a user", "paused by a user", "cancelled by a user"]


def test_a_cancelled_job_can_be_tried_again(queue, waiting):
    client, _, _ = queue
    client.cancel(waiting)
    assert state(client.retry(waiting)) == "QUEUED"
    assert client.get(waiting).cause == "tried again by a user"


@pytest.mark.parametrize(("method", "request_type", "action", "allowed"), [
    ("PauseJob", pb.PauseJobRequest, "paused", "QUEUED, STARTING, RUNNING"), ("ResumeJob", pb.ResumeJobRequest, "resumed", "PAUSED"),
    ("CancelJob", pb.CancelJobRequest, "cancelled", "QUEUED, STARTING, RUNNING, PAUSING, PAUSED, CANCELLING"),
    ("UndeleteJob", pb.UndeleteJobRequest, "undeleted", "DELETED")])
def test_a_state_that_does_not_allow_it_is_told_with_those_that_do(queue, waiting, method, request_type, action, allowed):
    client, stub, _ = queue
    client.cancel(waiting)
    error = refusal(lambda: getattr(stub, method)(request_type(id=waiting)))
    failure = PreconditionFailure()
    assert any(detail.Unpack(failure) for detail in rpc_status.from_call(error).details)
    assert error.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert error.details() == f"job {waiting} is CANCELLED: it cannot be {action}"
    assert [(each.type, each.subject, each.description) for each in failure.violations] == [
        ("STATE", f"jobs/{waiting}", f"it is CANCELLED; allowed: {allowed}")]
    assert raised(error, "").metadata["allowed"] == allowed


def test_a_job_is_resumed_with_another_number_of_ranks_within_bounds(queue, waiting):
    client, _, _ = queue
    client.pause(waiting)
    for ranks, problem in ((3, "expected 1 to logical_shards = 2, got 3"), (2, "expected at most 1, the coordinator's slots, got 2")):
        with pytest.raises(InvalidInput, match=f"^ranks: {problem}$"):
            client.resume(waiting, ranks)
    assert state(client.get(waiting)) == "PAUSED" and client.resume(waiting, 1).spec.ranks == 1


def test_a_priority_moves_a_job_in_the_queue(queue, waiting, small):
    client, _, _ = queue
    behind = client.submit(small(ranks=1, priority=60)).id
    assert (client.get(behind).queue_position, client.get(waiting).queue_position) == (1, 2)
    updated = client.update(waiting, priority=61, labels={"team": "vision"})
    assert (updated.spec.priority, dict(updated.spec.labels), updated.queue_position) == (61, {"team": "vision"}, 1)
    assert updated.transitions[-1].cause == "priority, labels changed by a user"
    assert client.update(waiting, priority=None).spec.priority == 50
    client.cancel(behind)


def test_a_stale_etag_is_refused(queue, waiting):
    client, stub, _ = queue
    seen = client.get(waiting).etag
    assert client.update(waiting, seen, priority=70).spec.priority == 70
    error = refusal(lambda: stub.UpdateJob(pb.UpdateJobRequest(id=waiting, etag=seen, spec=JobSpec(priority=80), update_mask=FieldMask(paths=["priority"]))))
    assert error.code() is grpc.StatusCode.ABORTED and raised(error, "").reason == "ETAG_MISMATCH"
    assert client.get(waiting).spec.priority == 70


@pytest.mark.parametrize(("fields", "problem"), [
    ({"priority": 101}, "priority: expected 1 to 100, got 101"), ({"epochs": 3}, 'update_mask: unknown field "epochs"'),
    ({"labels": {"a b": "c"}}, "labels: expected keys and values"), ({"deadline": "tomorrow"}, "deadline: expected a time such as"),
    ({}, "update_mask: expected at least one of")])
def test_an_update_that_cannot_be_is_refused(queue, waiting, fields, problem):
    client, _, _ = queue
    with pytest.raises(InvalidInput) as refused:
        client.update(waiting, **fields)
    assert str(refused.value).startswith(problem)


def test_a_deleted_job_is_in_no_list_until_it_is_brought_back(queue, waiting):
    client, _, _ = queue
    with pytest.raises(Refusal, match=f"^job {waiting} is QUEUED: it cannot be deleted$"):
        client.delete(waiting)
    client.cancel(waiting)
    deleted = client.delete(waiting)
    assert 0 < deleted.delete_time < deleted.purge_time
    assert waiting not in [job.id for job in client.list()] and waiting in [job.id for job in client.list(show_deleted=True)]
    for call in (client.retry, client.delete, lambda job_id: client.update(job_id, priority=3)):
        with pytest.raises(Refusal, match=f"^job {waiting} is DELETED: it cannot be "):
            call(waiting)
    assert client.undelete(waiting).purge_time == 0
    assert waiting in [job.id for job in client.list()]


def test_a_job_that_has_not_ended_is_deleted_by_force(queue, waiting):
    client, _, _ = queue
    assert state(client.delete(waiting, force=True)) == "CANCELLED"
    assert client.get(waiting).delete_time > 0


def test_the_watch_of_all_jobs_tells_how_far_they_have_come_when_asked(queue, waiting):
    """Each with the job as it is: what a page shows."""
    client, _, busy = queue
    steps = []
    for message in client.changes(progress=True):
        if message.job_id == busy and not message.HasField("transition"):
            steps.append(message.job.progress.step)
        if len(set(steps)) > 1 and client.get(waiting).spec.priority != 7:
            client.update(waiting, priority=7)
        if message.job_id == waiting and message.HasField("transition") and message.job.spec.priority == 7:
            break
    assert steps == sorted(steps)
    assert (message.job.spec.priority, message.transition.cause, len(message.job.transitions)) == (7, "priority changed by a user", 0)


REQUESTS = {
    "PauseJob": lambda job_id, **more: pb.PauseJobRequest(id=job_id, **more),
    "CancelJob": lambda job_id, **more: pb.CancelJobRequest(id=job_id, **more),
    "UpdateJob": lambda job_id, **more: pb.UpdateJobRequest(id=job_id, spec=JobSpec(priority=5), update_mask=FieldMask(paths=["priority"]), **more),
    "DeleteJob": lambda job_id, **more: pb.DeleteJobRequest(id=job_id, force=True, **more),
}


@pytest.mark.parametrize("method", REQUESTS)
def test_a_repeated_call_is_answered_as_the_first_and_changes_nothing(queue, waiting, method):
    client, stub, _ = queue
    request_id = str(uuid.uuid4())
    first = getattr(stub, method)(REQUESTS[method](waiting, request_id=request_id)).job
    history = client.get(waiting).transitions
    assert getattr(stub, method)(REQUESTS[method](waiting, request_id=request_id)).job == first
    assert client.get(waiting).transitions == history


@pytest.mark.parametrize("method", REQUESTS)
def test_a_request_id_of_another_call_is_refused(queue, waiting, method):
    _, stub, _ = queue
    request_id = str(uuid.uuid4())
    stub.UpdateJob(pb.UpdateJobRequest(id=waiting, spec=JobSpec(priority=9), update_mask=FieldMask(paths=["priority"]), request_id=request_id))
    error = refusal(lambda: getattr(stub, method)(REQUESTS[method](waiting, request_id=request_id)))
    assert error.code() is grpc.StatusCode.ALREADY_EXISTS
    assert error.details() == f"request id {request_id} was used for another call: UpdateJob of {waiting}"


@pytest.mark.parametrize("method", REQUESTS)
def test_a_call_that_is_only_checked_shows_what_would_be_and_changes_nothing(queue, waiting, method):
    client, stub, _ = queue
    before = client.get(waiting)
    would = getattr(stub, method)(REQUESTS[method](waiting, validate_only=True, request_id=str(uuid.uuid4()))).job
    assert would.etag != before.etag and len(would.transitions) > len(before.transitions)
    after = client.get(waiting)
    for job in (before, after):
        job.ClearField("estimated_start")  # the job that runs estimates anew
    assert after == before


# Change → what brings a waiting job to where it is allowed, the client's call, the words of the command line.
CHANGES = {
    "update": ([], {"priority": 7}, ["--priority", "7"]), "pause": ([], {}, []), "cancel": ([], {}, []), "delete": ([], {"force": True}, ["--force"]),
    "resume": (["pause"], {}, []), "retry": (["cancel"], {}, []), "undelete": (["cancel", "delete"], {}, [])}


@pytest.mark.parametrize("change", CHANGES)
def test_client_and_command_line_can_ask_without_doing(queue, waiting, change):
    client, _, _ = queue
    before, arguments, words = CHANGES[change]
    for each in before:
        getattr(client, each)(waiting)
    version = client.get(waiting).etag
    assert getattr(client, change)(waiting, validate_only=True, **arguments).etag != version
    command = [change, waiting, *words, "--validate-only", "--coordinator", client.address]
    assert CliRunner().invoke(bptrain, command, catch_exceptions=False).output.startswith("nothing was done; it would be")
    assert client.get(waiting).etag == version


@pytest.mark.slow
def test_a_running_job_is_neither_resized_nor_forked_by_a_question(serving, endless):
    with serving() as (_, client):
        job = client.submit(endless(logical_shards=2, checkpoint={"every_steps": 50}))
        while not any(artifact.step for artifact in client.artifacts(job.id)):
            time.sleep(0.05)
        for words, said in ((["resize", job.id, "1"], "it would go on with 1 rank"), (["fork", job.id, "--set", "name=other"], "it would go on from step")):
            done = CliRunner().invoke(bptrain, [*words, "--validate-only", "--coordinator", client.address], catch_exceptions=False)
            assert done.output.startswith(f"nothing was done; {said}")
        assert [(each.id, each.spec.ranks) for each in client.list()] == [(job.id, 2)]
        assert not any("resized" in change.cause for change in client.get(job.id).transitions)


@pytest.mark.parametrize("method", [*REQUESTS, "ResumeJob", "RetryJob", "ForkJob", "UndeleteJob", "ResizeJob"])
@pytest.mark.parametrize("checked", [False, True])
def test_a_job_that_is_not_there_is_not_found(queue, method, checked):
    _, stub, _ = queue
    request = getattr(pb, f"{method}Request")(id="nope", validate_only=checked)
    assert refusal(lambda: getattr(stub, method)(request)).details() == 'there is no job "nope"; bptrain list shows all'


def test_a_page_token_is_good_for_its_filter_only(queue, waiting, small):
    client, stub, _ = queue
    other = client.submit(small(ranks=1)).id
    page = stub.ListJobs(pb.ListJobsRequest(page_size=1, filter="state = QUEUED"))
    assert [job.id for job in page.jobs] == [other]
    assert [job.id for job in stub.ListJobs(pb.ListJobsRequest(page_size=1, filter="state = QUEUED", page_token=page.next_page_token)).jobs] == [waiting]
    for changed in ({"filter": ""}, {"filter": "state = RUNNING"}, {"filter": "state = QUEUED", "show_deleted": True}):
        error = refusal(lambda: stub.ListJobs(pb.ListJobsRequest(page_size=1, page_token=page.next_page_token, **changed)))
        assert raised(error, "").reason == "PAGE_TOKEN_INVALID"
    client.cancel(other)


def test_a_wait_ends_with_the_state_or_with_the_time(queue, waiting):
    client, stub, busy = queue
    answer = stub.WaitJob(pb.WaitJobRequest(id=waiting, timeout_s=0.2))
    assert (state(answer.job), answer.reached) == ("QUEUED", False)
    assert client.wait(busy, ["running"]).id == busy
    later = stub.WaitJob.future(pb.WaitJobRequest(id=waiting, states=[states.PAUSED], timeout_s=60))
    client.pause(waiting)
    assert later.result().reached and state(later.result().job) == "PAUSED"


def test_changes_of_all_jobs_come_once_and_in_order_also_behind_a_cursor(queue, waiting):
    client, stub, _ = queue
    stream = stub.WatchJobs(pb.WatchJobsRequest())
    start = next(stream)
    assert start.cursor and not start.job_id
    client.pause(waiting), client.resume(waiting), client.cancel(waiting)
    seen = [next(stream) for _ in range(3)]
    assert [(each.job_id, states.label(each.transition.to)) for each in seen] == [(waiting, "PAUSED"), (waiting, "QUEUED"), (waiting, "CANCELLED")]
    stream.cancel()
    again = stub.WatchJobs(pb.WatchJobsRequest(cursor=seen[0].cursor))
    assert next(again).cursor == seen[0].cursor and [next(again) for _ in range(2)] == seen[1:]
    again.cancel()
    first = next(client.changes("0"))
    assert states.label(first.transition.to) == "QUEUED" and first.transition.cause == "submitted"
    assert raised(refusal(lambda: next(stub.WatchJobs(pb.WatchJobsRequest(cursor="x.3")))), "").reason == "CURSOR_INVALID"


def test_a_waiting_job_says_why(queue, waiting, small):
    client, _, _ = queue
    behind = client.submit(small(ranks=1)).id
    assert client.get(waiting).waiting_reason == "0 of 1 slot(s) are free; it needs 1"
    assert client.get(behind).waiting_reason == "1 job(s) are before it, and 0 of 1 slot(s) are free; it needs 1"
    client.cancel(behind)
    assert client.get(behind).waiting_reason == ""
