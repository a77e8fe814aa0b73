"""Several jobs in one picture: told apart by name, each with its bar, its ranks and the time left."""

import io

import pytest
from click.testing import CliRunner
from rich.console import Console

from bptrain.v1.job_service_pb2 import Job, Transition
from bptrain.v1.report_pb2 import Pace
from bptrain.v1.spec_pb2 import JobSpec
from coordinator.answers import Line
from coordinator.cli import bptrain
from coordinator.jobs import states
from coordinator.terminal.line import sentence
from coordinator.terminal.several import Picture

JOBS = [Job(id=f"0000{number}", spec=JobSpec(name=name, epochs=2), state=states.QUEUED) for number, name in enumerate(("digits", "words", "words"))]


@pytest.fixture
def picture(script):
    """The first job trains on two ranks, the second has ended, the third waits."""
    console = Console(file=io.StringIO(), force_terminal=True, record=True, width=100, height=40)
    drawn = Picture(JOBS, ("loss", "accuracy"), console)
    script.started(total_steps=10, steps_per_epoch=5, batch_size=4)
    script.points(range(3)).points(range(3, 5)).points([4], "accuracy")
    for job_id in ("00000", "00001"):
        for report in script.reports:
            kind = report.WhichOneof("event")
            drawn.apply(job_id, kind, getattr(report, kind))
    drawn.apply("00000", "transition", Transition(to=states.RUNNING))
    drawn.apply("00000", "pace", Pace(step_s=0.1, rank_s=[0.05, 0.09], hosts=["a", "a"]))
    drawn.apply("00001", "transition", Transition(to=states.SUCCEEDED))
    console.print(drawn.render())
    return [line.rstrip() for line in console.export_text().splitlines()]


def test_jobs_of_one_name_are_told_apart(picture):
    assert any(line.startswith("digits ") for line in picture)
    assert {"words 00001", "words 00002"} <= {line[:11] for line in picture}


def test_a_line_of_each_job_says_where_it_stands(picture):
    heading = next(line for line in picture if line.startswith("job "))
    assert heading.split() == ["job", "state", "done", "step", "loss", "accuracy", "samples/s", "left"]
    digits, ended, waits = (next(line for line in picture if line.startswith(name) and " %" in line) for name in ("digits", "words 00001", "words 00002"))
    assert digits.split() == ["digits", "RUNNING", "50", "%", "5/10", "0.2", "0.2", "40", "0", "s"]  # ten steps of four samples a second
    assert ended.split()[2] == "SUCCEEDED" and ended.split()[-1] == "40" and waits.split()[2:] == ["QUEUED", "0", "%", "0/0"]


def test_a_job_that_runs_has_a_bar_for_each_rank(picture):
    bars = [line for line in picture if line.startswith("rank ")]
    assert [line.count("█") for line in bars] == [15, 27] and any(line.startswith("imbalance: rank 1 on a") for line in picture)


def test_curves_are_named_by_series_and_job(picture):
    legend = next(line for line in picture if "loss of digits" in line)
    assert "accuracy of digits" in legend and "loss of words 00001" in legend


def test_one_line_is_down_for_all_and_is_said_once():
    console = Console(file=io.StringIO(), force_terminal=True, record=True, width=100, height=40)
    drawn = Picture(JOBS, ("loss",), console)
    news = [("00000", Line(1e9)), ("00001", Line(1e9 + 1)), ("00000", Line(1e9, 1e9 + 65)), ("00001", Line(1e9 + 1, 1e9 + 66))]
    seen = []
    for job_id, line in news:
        seen.append(drawn.line(job_id, line))
        console.print(drawn.render())
        seen.append("the line to the coordinator is down since 2001-09-" in console.export_text())
    assert seen == [True, True, False, True, False, True, True, False]


def test_how_long_the_line_was_down_is_said():
    assert sentence(Line(1e9, 1e9 + 65)) == "the line to the coordinator is back after 1:05"


def test_without_a_terminal_the_ends_of_all_are_said(shared, endless):
    server, client, job_id = shared
    stopped = client.submit(endless(ranks=1)).id
    client.cancel(stopped, "now")
    done = CliRunner().invoke(bptrain, ["watch", job_id, stopped, "--coordinator", server.address], catch_exceptions=False)
    first, second = done.stdout.splitlines()[-2:]
    assert {first.split()[2], second.split()[2]} == {job_id, stopped} and done.exit_code == 1
    assert "SUCCEEDED: " in done.stdout and "CANCELLED: " in done.stdout


def test_json_is_for_one_job(shared):
    server, _, job_id = shared
    done = CliRunner().invoke(bptrain, ["watch", job_id, "other", "--format", "json", "--coordinator", server.address])
    assert done.exit_code == 2 and "one job at a time" in done.output
