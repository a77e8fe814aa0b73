"""Refusals over the wire: each arrives as the exception it was, with the sentence of the catalogue."""

import grpc
import pytest
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo
from grpc_status import rpc_status

from bpcore.errors import InvalidInput, Problem
from bptrain.v1 import job_service_pb2 as pb
from bptrain.v1 import log_service_pb2, spec_pb2
from bptrain.v1.job_service_pb2_grpc import JobServiceStub
from bptrain.v1.log_service_pb2_grpc import LogServiceStub
from bptrain.v1.worker_service_pb2 import AttachRequest, Hello, ReportBatch
from bptrain.v1.worker_service_pb2_grpc import WorkerServiceStub
from coordinator.answers import raised
from coordinator.errors import CATALOGUE, Refusal
from coordinator.services.translate import to_status
from worker.jobs import checks, jobfile

METHODS = ["/bptrain.v1.JobService/SubmitJob", "/bptrain.v1.JobService/GetJob", "/bptrain.v1.JobService/ListJobs",
           "/bptrain.v1.MetricService/QueryMetrics"]


@pytest.fixture(scope="module")
def wire(shared):
    """(stub of the jobs, channel, id of a job that has ended)."""
    server, _, job_id = shared
    with grpc.insecure_channel(server.address) as channel:
        yield JobServiceStub(channel), channel, job_id


def refused(call):
    """(gRPC status, our exception) of a call that fails."""
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return caught.value.code().name, raised(caught.value, "here")


def test_a_refused_job_arrives_with_every_problem_in_the_same_words(wire, small, data_root):
    stub, _, _ = wire
    spec, problems = jobfile.parse(small(loss="mse_", batch_size=0, optimizer={"adam": {"rate": 1}}))
    with pytest.raises(InvalidInput) as here:
        checks.check(spec, data_root, problems)
    status, there = refused(lambda: stub.SubmitJob(pb.SubmitJobRequest(spec=spec)))
    assert status == "INVALID_ARGUMENT" and isinstance(there, InvalidInput)
    assert there.problems == here.value.problems and len(there.problems) == 3


def test_a_job_that_is_too_large_for_the_coordinator_is_refused(wire, small_spec):
    stub, _, _ = wire
    _, error = refused(lambda: stub.SubmitJob(pb.SubmitJobRequest(spec=small_spec(ranks=3))))
    assert error.problems == [Problem("ranks", "expected at most 2, the coordinator's slots, got 3")]


@pytest.mark.parametrize("call", ["GetJob", "CancelJob"])
def test_an_unknown_job_is_refused(wire, call):
    stub, _, _ = wire
    status, error = refused(lambda: getattr(stub, call)(getattr(pb, f"{call}Request")(id="nope")))
    assert (status, error.reason) == ("NOT_FOUND", "JOB_NOT_FOUND")
    assert str(error) == 'there is no job "nope"; bptrain list shows all'


def test_streams_and_curves_of_an_unknown_job_are_refused_alike(shared):
    _, client, _ = shared
    for call in (client.curve, lambda job: list(client.watch(job)), lambda job: list(client.logs(job))):
        with pytest.raises(Refusal, match='^there is no job "nope"; bptrain list shows all$'):
            call("nope")


def test_a_job_that_has_ended_cannot_be_cancelled(wire):
    stub, _, job_id = wire
    status, error = refused(lambda: stub.CancelJob(pb.CancelJobRequest(id=job_id)))
    assert (status, error.reason) == ("FAILED_PRECONDITION", "STATE_NOT_ALLOWED")
    assert str(error) == f"job {job_id} is SUCCEEDED: it cannot be cancelled"


@pytest.mark.parametrize("token", ["!", "ABC", "1m7xwrm0dp87k ", "ü"])
def test_a_foreign_page_token_is_refused(wire, token):
    stub, _, _ = wire
    status, error = refused(lambda: stub.ListJobs(pb.ListJobsRequest(page_token=token)))
    assert (status, str(error)) == ("INVALID_ARGUMENT", "the page token is not one of ours")


def hello(shared, **replaced):
    _, _, job_id = shared
    return AttachRequest(hello=Hello(**{"job_id": job_id, "attempt": 1, "token": "guessed"} | replaced))


@pytest.mark.parametrize("requests", [
    lambda shared: [hello(shared)], lambda shared: [hello(shared, token="")], lambda shared: [hello(shared, job_id="nope")],
    lambda shared: [AttachRequest(reports=ReportBatch())], lambda shared: []], ids=["token", "none", "job", "no hello", "nothing"])
def test_ranks_that_are_not_the_jobs_own_are_fenced(shared, requests):
    server, _, _ = shared
    with grpc.insecure_channel(server.worker_address) as channel:
        status, error = refused(lambda: list(WorkerServiceStub(channel).Attach(iter(requests(shared)))))
    assert (status, error.reason) == ("PERMISSION_DENIED", "ATTEMPT_FENCED")
    assert str(error).endswith(" is not the one that runs")


@pytest.mark.parametrize("method", METHODS)
def test_bytes_that_are_no_message_hurt_only_their_sender(wire, method):
    stub, channel, job_id = wire
    with pytest.raises(grpc.RpcError):
        channel.unary_unary(method)(b"\xff\xff\xff\xff", timeout=30)
    assert stub.GetJob(pb.GetJobRequest(id=job_id)).job.id == job_id


def test_a_refusal_carries_its_reason_and_metadata_as_details(wire):
    stub, _, _ = wire
    with pytest.raises(grpc.RpcError) as caught:
        stub.GetJob(pb.GetJobRequest(id="nope"))
    detail, = rpc_status.from_call(caught.value).details
    info = ErrorInfo()
    assert detail.Unpack(info) and (info.reason, info.domain, dict(info.metadata)) == ("JOB_NOT_FOUND", "bptrain", {"job": "nope"})


def test_what_nobody_foresaw_tells_users_nothing_but_a_number(caplog):
    status = to_status(RuntimeError("secret in /etc/passwd"))
    info = ErrorInfo()
    assert status.details[0].Unpack(info) and info.reason == "BUG"
    assert status.message == CATALOGUE["BUG"].sentence.format(incident=info.metadata["incident"])
    assert "secret" not in str(status) and "secret" in caplog.text and info.metadata["incident"] in caplog.text


def test_every_problem_travels_as_a_field_violation():
    status = to_status(InvalidInput([Problem("a.b", "wrong"), Problem("", "odd")]))
    request = BadRequest()
    assert status.details[1].Unpack(request)
    assert [(violation.field, violation.description) for violation in request.field_violations] == [("a.b", "wrong"), ("", "odd")]


def test_an_offset_beyond_every_log_is_at_its_end(wire):
    _, channel, job_id = wire
    request = log_service_pb2.ReadLogsRequest(job_id=job_id, offset_bytes=2**64 - 1)
    last = LogServiceStub(channel).ReadLogs(request, timeout=30)
    assert not last.lines and not last.more


def test_an_attribute_that_is_not_a_number_is_refused_by_name(wire, small_spec):
    stub, _, _ = wire
    spec = spec_pb2.JobSpec.FromString(small_spec().SerializeToString())
    spec.optimizer.attributes["learning_rate"] = float("nan")
    status, error = refused(lambda: stub.SubmitJob(pb.SubmitJobRequest(spec=spec)))
    assert status == "INVALID_ARGUMENT" and error.problems[0].field == "optimizer.adam.learning_rate"
