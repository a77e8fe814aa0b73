"""Leaving: health says so first, nothing new is taken, streams end with DRAINING and a cursor to go on from."""

import asyncio
import threading

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from bptrain.v1 import job_service_pb2 as jobs
from bptrain.v1.job_service_pb2_grpc import JobServiceStub
from bptrain.v1.metric_service_pb2 import WatchMetricsRequest
from bptrain.v1.metric_service_pb2_grpc import MetricServiceStub
from coordinator.answers import raised
from coordinator.app import Settings
from coordinator.ports import LOOPBACK, Listen
from coordinator.server import Server
from coordinator.store import jobs as rows
from coordinator.store import lifecycle
from worker.jobs import jobfile


DEADLINE_S = 60


def waiting(connection, spec):
    """The id of a job that is too large for the only slot."""
    job_id = rows.new_id()
    rows.add(connection, job_id, spec, "none")
    lifecycle.submitted(connection, job_id)
    return job_id


@pytest.fixture
def server(tmp_path, data_root):
    """Started, in a loop of its own; the test stops it."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    found = Server(Settings(tmp_path / "state", data_root, slots=1), Listen(LOOPBACK, 0, 0))
    asyncio.run_coroutine_threadsafe(found.start(), loop).result(60)
    found.waiting = lambda spec: asyncio.run_coroutine_threadsafe(found._app.database.write(lambda connection: waiting(connection, spec)), loop).result(60)
    found.stopped = lambda: asyncio.run_coroutine_threadsafe(found.stop(), loop)
    yield found
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def test_leaving_ends_streams_with_draining_and_takes_nothing_new(server, small_spec, endless):
    """In the order: health, no new jobs, streams end with a refusal and not with an end, the port is closed."""
    with grpc.insecure_channel(server.address) as channel:
        submit, watch = JobServiceStub(channel).SubmitJob, MetricServiceStub(channel).WatchMetrics
        health = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(), timeout=DEADLINE_S)
        assert next(health).status == health_pb2.HealthCheckResponse.SERVING
        job = submit(jobs.SubmitJobRequest(spec=jobfile.parse(endless(ranks=1))[0]), timeout=DEADLINE_S).job
        streams = [watch(WatchMetricsRequest(job_id=job.id), timeout=DEADLINE_S) for _ in range(3)]
        cursors = [next(stream).cursor for stream in streams]
        JobServiceStub(channel).CancelJob(jobs.CancelJobRequest(id=job.id), timeout=DEADLINE_S)
        JobServiceStub(channel).WaitJob(jobs.WaitJobRequest(id=job.id, timeout_s=DEADLINE_S), timeout=DEADLINE_S)
        waits = watch(WatchMetricsRequest(job_id=server.waiting(small_spec(ranks=2))), timeout=DEADLINE_S)
        assert next(waits).cursor and all(cursors)
        assert all(list(stream)[-1].HasField("ended") for stream in streams)
        stopped = server.stopped()
        assert next(health).status == health_pb2.HealthCheckResponse.NOT_SERVING
        with pytest.raises(grpc.RpcError) as caught:
            list(waits)
        error = raised(caught.value, "here")
        assert (caught.value.code().name, error.reason) == ("UNAVAILABLE", "DRAINING")
        assert str(error) == "the coordinator is shutting down; try again in a moment"
        stopped.result(DEADLINE_S)
        with pytest.raises(grpc.RpcError) as caught:
            submit(jobs.SubmitJobRequest(spec=small_spec(ranks=1)), timeout=DEADLINE_S)
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
