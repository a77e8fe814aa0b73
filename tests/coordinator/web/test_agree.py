"""What the client, the command line and the page are told is one and the same."""

import itertools
import json
import urllib.request

import pytest
from click.testing import CliRunner
from google.protobuf import json_format

from bptrain.v1.artifact_service_pb2 import ListArtifactsResponse
from bptrain.v1.admin_service_pb2 import ListAuditResponse, ListTokensResponse
from bptrain.v1.job_service_pb2 import GetJobResponse, ListJobsResponse, WatchJobsResponse
from bptrain.v1.log_service_pb2 import ReadLogsResponse, WatchLogsResponse
from bptrain.v1.metric_service_pb2 import ExportMetricsResponse, ListSeriesResponse, QueryMetricsResponse, WatchMetricsResponse
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
    "log by expression": (lambda client, job: ReadLogsResponse(lines=client.logs(job, match=r"^run .*rank\(s\)", attempt=1)),
                          ["logs", "{job}", "--match", r"^run .*rank\(s\)", "--attempt", "1"], "LogService/ReadLogs",
                          {"job_id": "{job}", "filter": {"match": r"^run .*rank\(s\)", "attempt": 1}}, ["lines"]),
    "series": (lambda client, job: ListSeriesResponse(series=client.series(job)), ["series", "{job}"], "MetricService/ListSeries", {"job_id": "{job}"}, ["series"]),
    "queue": (lambda client, job: client.queue(), ["queue"], "ClusterService/GetQueue", {}, ["slots"]),
    "server": (lambda client, job: client.info(), ["info"], "ClusterService/GetServerInfo", {}, ["version", "versions", "slots", "limits", "features"]),
    "tokens": (lambda client, job: ListTokensResponse(tokens=client.tokens()), ["token", "list"], "AdminService/ListTokens", {}, []),
    "audit trail": (lambda client, job: ListAuditResponse(records=client.audit()), ["audit"], "AdminService/ListAudit", {}, ["records"]),
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
    assert fields or from_client == from_page == from_command


def test_client_command_line_and_page_watch_the_same_events(site, asked):
    server, client, job_id = site
    status, content, headers = asked(f"{server.web_address}/api/MetricService/WatchMetrics", json.dumps({"job_id": job_id}))
    events = [json_format.Parse(event.removeprefix("data: "), WatchMetricsResponse()) for event in content.split("\n\n") if event]
    assert (status, headers["Content-Type"]) == (200, "text/event-stream")
    assert events == list(client.messages(job_id)) and events[-1].HasField("ended")
    done = CliRunner().invoke(bptrain, ["watch", job_id, "--format", "json", "--coordinator", server.address], catch_exceptions=False)
    assert [json_format.Parse(line, WatchMetricsResponse()) for line in done.stdout.splitlines()] == events and done.exit_code == 0


def test_client_command_line_and_page_follow_the_same_log(site, asked):
    server, client, job_id = site
    _, content, _ = asked(f"{server.web_address}/api/LogService/WatchLogs", json.dumps({"job_id": job_id}))
    lines = [line.text for event in content.split("\n\n") if event for line in json_format.Parse(event.removeprefix("data: "), WatchLogsResponse()).lines]
    done = CliRunner().invoke(bptrain, ["logs", job_id, "--follow", "--coordinator", server.address], catch_exceptions=False)
    assert lines == [line.text for line in client.logs(job_id, follow=True)] == done.stdout.splitlines() != []


@pytest.mark.parametrize(("form", "style"), [("FORMAT_CSV", "csv")])
def test_client_command_line_and_page_export_the_same_points(site, asked, form, style):
    server, client, job_id = site
    _, content, _ = asked(f"{server.web_address}/api/MetricService/ExportMetrics", json.dumps({"job_id": job_id, "format": form}))
    pieces = [json_format.Parse(event.removeprefix("data: "), ExportMetricsResponse()).content for event in content.split("\n\n") if event]
    done = CliRunner().invoke(bptrain, ["curve", job_id, "--format", style, "--coordinator", server.address], catch_exceptions=False)
    assert b"".join(pieces) == b"".join(client.export_metrics(job_id)) == done.stdout.encode() != b""


def test_client_and_page_follow_the_same_changes_of_all_jobs(site, asked):
    """The stream has no end: as many are read as there are."""
    server, client, job_id = site
    wanted = [*itertools.islice(client.changes("0"), len(client.get(job_id).transitions))]
    request = urllib.request.Request(f"{server.web_address}/api/JobService/WatchJobs", b'{"cursor": "0"}', {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as stream:
        messages = (json_format.Parse(line.removeprefix(b"data: "), WatchJobsResponse()) for line in stream if line.startswith(b"data: "))
        assert [*itertools.islice((message for message in messages if message.job_id), len(wanted))] == wanted
