"""What the client, the command line and the page are told is one and the same."""

import json

import pytest
from click.testing import CliRunner
from google.protobuf import json_format

from bptrain.v1.artifact_service_pb2 import ListArtifactsResponse
from bptrain.v1.job_service_pb2 import GetJobResponse, ListJobsResponse
from bptrain.v1.log_service_pb2 import ReadLogsResponse
from bptrain.v1.metric_service_pb2 import ListSeriesResponse, QueryMetricsResponse, WatchMetricsResponse
from coordinator.cli import bptrain

# View → what the client is asked, the command line's words, the page's call and request, and where the view is in its answer.
VIEWS = {
    "job": (lambda client, job: GetJobResponse(job=client.get(job)), ["show", "{job}"], "JobService/GetJob", {"id": "{job}"}, ["job"]),
    "jobs": (lambda client, job: ListJobsResponse(jobs=client.list()), ["list"], "JobService/ListJobs", {}, ["jobs"]),
    "curves": (lambda client, job: QueryMetricsResponse(curves=client.curve(job).values()), ["curve", "{job}"], "MetricService/QueryMetrics",
               {"job_ids": ["{job}"]}, ["curves"]),
    "thinned curves": (lambda client, job: QueryMetricsResponse(curves=client.curve(job, max_points=7).values()), ["curve", "{job}", "--points", "7"],
                       "MetricService/QueryMetrics", {"job_ids": ["{job}"], "max_points": 7}, ["curves"]),
    "log": (lambda client, job: ReadLogsResponse(lines=client.logs(job)), ["logs", "{job}"], "LogService/ReadLogs", {"job_id": "{job}"}, ["lines"]),
    "log of a rank": (lambda client, job: ReadLogsResponse(lines=client.logs(job, ranks=[0])), ["logs", "{job}", "--rank", "0"], "LogService/ReadLogs",
                      {"job_id": "{job}", "filter": {"ranks": [0]}}, ["lines"]),
    "artifacts": (lambda client, job: ListArtifactsResponse(artifacts=client.artifacts(job)), ["artifacts", "{job}"], "ArtifactService/ListArtifacts",
                  {"job_id": "{job}"}, ["artifacts"]),
}


@pytest.mark.parametrize("view", VIEWS)
def test_client_command_line_and_page_say_the_same(site, post, view):
    server, client, job_id = site
    ask, words, method, request, fields = VIEWS[view]
    from_client = json_format.MessageToDict(ask(client, job_id), preserving_proto_field_name=True)
    words = [word.format(job=job_id) for word in words]
    done = CliRunner().invoke(bptrain, [*words, "--format", "json", "--coordinator", server.address], catch_exceptions=False)
    from_command = json.loads(done.stdout)
    status, from_page = post(method, json.loads(json.dumps(request).replace("{job}", job_id)))
    assert (done.exit_code, status) == (0, 200)
    for field in fields:
        assert from_client[field] == from_page[field] != []
        assert from_command.get(field, from_command) == from_page[field]


def test_client_and_page_list_the_same_series(site, post):
    _, client, job_id = site
    listed = json_format.MessageToDict(ListSeriesResponse(series=client.series(job_id)), preserving_proto_field_name=True)
    assert post("MetricService/ListSeries", {"job_id": job_id}) == (200, listed)


def test_client_and_page_watch_the_same_events(site, asked):
    server, client, job_id = site
    status, content, headers = asked(f"{server.web_address}/api/MetricService/WatchMetrics", json.dumps({"job_id": job_id}))
    events = [json_format.Parse(event.removeprefix("data: "), WatchMetricsResponse()) for event in content.split("\n\n") if event]
    assert (status, headers["Content-Type"]) == (200, "text/event-stream")
    assert events == list(client.messages(job_id)) and events[-1].HasField("ended")
