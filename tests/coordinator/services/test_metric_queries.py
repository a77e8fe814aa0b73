"""MetricService over the wire: what there is, many curves at once, and all of it as a file."""

import csv
import io
import json

import pytest

from bpcore.errors import InvalidInput
from bptrain.v1.metric_service_pb2 import ExportMetricsRequest
from coordinator.errors import Refusal


@pytest.fixture(scope="module")
def job(shared):
    """(client, job id) of a job that has ended."""
    _, client, job_id = shared
    return client, job_id


def test_series_are_listed_with_their_newest_point(job):
    client, job_id = job
    curves = client.curve(job_id)
    listed = {series.name: (series.points, series.last_step, series.last_value) for series in client.series(job_id)}
    assert listed == {name: (len(curve.steps), curve.steps[-1], curve.values[-1]) for name, curve in curves.items()}
    assert {"loss", "eval_loss", "accuracy"} <= listed.keys()


def test_several_jobs_are_answered_job_after_job(job):
    client, job_id = job
    found = client.curves([job_id, job_id], ["loss"], first_step=3, last_step=9)
    assert [(curve.job_id, curve.series, list(curve.steps)) for curve in found] == [(job_id, "loss", list(range(3, 10)))] * 2


@pytest.mark.parametrize("count", [0, 101])
def test_no_job_and_too_many_are_refused(job, count):
    client, job_id = job
    with pytest.raises(InvalidInput, match=f"^job_ids: expected 1 to 100 jobs, got {count}$"):
        client.curves([job_id] * count)


@pytest.mark.parametrize("call", [
    lambda client: client.series("nope"), lambda client: client.curves(["nope"]), lambda client: list(client.export_metrics("nope"))])
def test_an_unknown_job_is_refused(job, call):
    with pytest.raises(Refusal, match='^there is no job "nope"'):
        call(job[0])


def test_an_exported_table_has_every_point_with_every_digit(job):
    client, job_id = job
    rows = list(csv.DictReader(io.StringIO(b"".join(client.export_metrics(job_id)).decode())))
    curves = client.curve(job_id)
    assert [(row["series"], int(row["step"]), float(row["value"])) for row in rows] == [
        (name, step, value) for name, curve in curves.items() for step, value in zip(curve.steps, curve.values)]
    assert all(float(row["time"]) > 1.7e9 for row in rows)


def test_exported_lines_are_json_and_the_same(job):
    client, job_id = job
    lines = b"".join(client.export_metrics(job_id, ["loss"], ExportMetricsRequest.FORMAT_JSON_LINES)).decode().splitlines()
    curve = client.curve(job_id)["loss"]
    assert [(row["series"], row["step"], row["value"]) for row in map(json.loads, lines)] == [
        ("loss", step, value) for step, value in zip(curve.steps, curve.values)]


def test_an_answer_has_no_more_points_than_a_message_may_hold(job, monkeypatch):
    """However many curves there are, and whatever is asked for; each says how many it has."""
    client, job_id = job
    monkeypatch.setattr("coordinator.views.metrics.MOST_POINTS", 60)
    for most in (0, 50):
        curves = client.curves([job_id] * 3, ["loss", "accuracy"], most)
        assert len(curves) == 6 and {(len(curve.steps), curve.total_points) for curve in curves} == {(10, 16)}
