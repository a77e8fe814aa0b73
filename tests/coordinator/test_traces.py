"""Traces arrive at a real collector over a socket; without one nothing is different."""

from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from bptrain.v1.job_service_pb2 import GetJobRequest
from bptrain.v1.job_service_pb2_grpc import JobServiceStub
from bptrain.v1.report_pb2 import AttemptEnded
from coordinator.app import traces_to
from coordinator.traces import Traces

pytest.importorskip("opentelemetry.sdk", reason="needs pip install 'bptrain[otel]'")
TRACE = "0af7651916cd43dd8448eb211c80319c"


class Collector:
    """Keeps every span that is sent to it."""

    def __init__(self):
        from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as pb

        self.spans = []
        self._server = grpc.server(ThreadPoolExecutor(1))
        take = grpc.unary_unary_rpc_method_handler(self._take, pb.ExportTraceServiceRequest.FromString, pb.ExportTraceServiceResponse.SerializeToString)
        self._answer = pb.ExportTraceServiceResponse()
        self._server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("opentelemetry.proto.collector.trace.v1.TraceService", {"Export": take})])
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()

    def _take(self, request, context):
        self.spans += [span for resource in request.resource_spans for scope in resource.scope_spans for span in scope.spans]
        return self._answer

    def close(self):
        self._server.stop(0).wait()


def attributes(span):
    return {each.key: each.value.string_value or each.value.int_value for each in span.attributes}


@pytest.fixture(scope="module")
def told(serving, small):
    """(spans, id of a job that has succeeded) of a coordinator that was stopped."""
    collector = Collector()
    with serving(otlp=f"http://127.0.0.1:{collector.port}") as (server, client):
        job = client.submit(small(epochs=1))
        list(client.messages(job.id))
        with grpc.insecure_channel(server.address) as channel, pytest.raises(grpc.RpcError):
            JobServiceStub(channel).GetJob(GetJobRequest(id="nope"), metadata=[("traceparent", f"00-{TRACE}-b7ad6b7169203331-01")])
    collector.close()
    return collector.spans, job.id


def test_a_call_has_a_span_with_its_method_and_job(told):
    spans, job_id = told
    found = {span.name: span for span in spans}
    assert attributes(found["SubmitJob"])["rpc.method"] == "SubmitJob" and found["SubmitJob"].status.code == 0
    assert attributes(found["WatchMetrics"])["bptrain.job.id"] == job_id
    assert all(span.end_time_unix_nano >= span.start_time_unix_nano > 0 for span in spans)


def test_a_refused_call_has_its_reason_and_is_a_part_of_its_callers_trace(told):
    span, = (span for span in told[0] if span.name == "GetJob" and attributes(span).get("bptrain.job.id") == "nope")
    assert (attributes(span)["bptrain.reason"], span.status.code, span.trace_id.hex()) == ("JOB_NOT_FOUND", 2, TRACE)


def test_an_attempt_has_a_span_from_the_ranks_meeting_to_its_end(told):
    spans, job_id = told
    span, = (span for span in spans if span.name == "attempt")
    said = attributes(span)
    assert (said["bptrain.job.id"], said["bptrain.job.name"], said["bptrain.attempt"], said["bptrain.ranks"]) == (job_id, "small", 1, 2)
    assert span.status.code == 1 and span.end_time_unix_nano > span.start_time_unix_nano
    assert "checkpoint" in {event.name for event in span.events}


def test_the_attempt_of_ranks_that_were_cut_off_is_an_error(script):
    collector = Collector()
    traces = traces_to(f"http://127.0.0.1:{collector.port}")
    traces.attempt("one", "job", script.started().points([0]).reports)
    traces.attempt("two", "job", script.ended(AttemptEnded.OUTCOME_FAILED, "not finite").reports)
    traces.attempt("three", "job", [])
    traces.close()
    collector.close()
    assert [(span.status.code, span.status.message) for span in collector.spans] == [(2, "cut off"), (2, "not finite")]


def test_a_collector_that_is_not_there_holds_up_nobody(serving, small):
    with serving(otlp="http://127.0.0.1:9") as (_, client):
        assert client.wait(client.submit(small(epochs=1, ranks=1)).id).digest


def test_without_an_endpoint_there_are_none():
    assert type(traces_to("")) is Traces
