"""Curves in blocks are what a fold of the same reports keeps in memory."""

import math
import random

import numpy as np
import pytest

from bptrain.v1.report_pb2 import AttemptStarted, Column, Points, Report
from coordinator.store import events, points
from coordinator.store.schema import STEPS
from coordinator.views.run import RunView


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(points, "BLOCK", 16)


def row(connection, job_id, name="loss"):
    return next(row for row in points.series(connection, job_id) if row["name"] == name)


def stored(connection, job_id):
    """Series → [(step, value)], as the store has it."""
    found = {}
    for series in points.series(connection, job_id):
        run = points.read(connection, series["id"])
        found[series["name"]] = list(zip(run.steps.tolist(), map(str, run.values.tolist())))
        assert series["points"] == len(run)
    return {name: pairs for name, pairs in found.items() if pairs}


def folded(reports):
    """The same from memory."""
    view = RunView().apply_all(reports)
    return {name: list(zip(series.steps, map(str, series.values))) for name, series in view.series.items() if series.steps}


def made_up(chance):
    """Reports of a run that is set back now and then; some steps have held-out values, some values are no numbers."""
    step, reports = 0, []
    for _ in range(chance.randint(1, 60)):
        if chance.random() < 0.1:
            step = chance.randint(0, step)
            reports.append(Report(started=AttemptStarted(first_step=step)))
        steps = list(range(step, step + chance.randint(1, 12)))
        step = steps[-1] + 1
        values = [chance.choice([math.nan, math.inf, -math.inf]) if chance.random() < 0.1 else chance.random() for _ in steps]
        reports.append(Report(points=Points(steps=steps, times=[1e9 + at for at in steps], columns=[Column(series="loss", values=values)])))
        if chance.random() < 0.3:
            reports.append(Report(points=Points(steps=steps[-1:], times=[1e9], columns=[Column(series="eval_loss", values=[chance.random()])])))
    return reports


@pytest.mark.parametrize("seed", range(30))
def test_blocks_hold_what_a_fold_of_the_reports_holds(connection, add_job, small_blocks, seed):
    chance = random.Random(seed)
    job_id, reports, taken = add_job(connection), made_up(chance), 0
    while taken < len(reports):
        batch = reports[taken:taken + chance.randint(1, 9)]
        points.take(connection, job_id, batch)
        taken += len(batch)
        expected = folded(reports[:taken])
        assert stored(connection, job_id) == expected
        assert {name: str(value) for name, value in points.latest(connection, job_id).items()} == {name: pairs[-1][1] for name, pairs in expected.items()}


@pytest.mark.parametrize("seed", range(30))
def test_a_range_holds_what_lies_in_it(connection, add_job, small_blocks, seed):
    chance = random.Random(seed)
    job_id, reports = add_job(connection), made_up(chance)
    points.take(connection, job_id, reports)
    first, last = sorted(chance.randint(0, 300) for _ in range(2))
    for name, pairs in folded(reports).items():
        run = points.read(connection, row(connection, job_id, name)["id"], first, last)
        assert run.steps.tolist() == [step for step, _ in pairs if first <= step <= last]


def test_short_blocks_become_whole_ones(connection, add_job, small_blocks, script):
    job_id = add_job(connection)
    for step in range(40):
        points.take(connection, job_id, script.points([step]).reports[-1:])
    assert [block["points"] for block in points.blocks(connection, row(connection, job_id)["id"])] == [16, 16, *[1] * 8]
    assert connection.execute("SELECT count(*) FROM block_points").fetchone()[0] == 10


def test_steps_that_come_again_are_not_taken_twice(connection, add_job, script):
    job_id = add_job(connection)
    points.take(connection, job_id, script.points(range(5)).points(range(3, 8)).reports)
    assert points.read(connection, row(connection, job_id)["id"]).steps.tolist() == list(range(8))


def test_a_block_says_where_its_extremes_are(connection, add_job, script):
    job_id = add_job(connection)
    points.take(connection, job_id, script.points(range(5), value=[2.0, math.nan, 7.0, -1.0, 3.0].__getitem__).reports)
    block, = points.blocks(connection, row(connection, job_id)["id"])
    assert tuple(block)[-5:] == (5, 3, -1.0, 2, 7.0)


def test_points_are_kept_with_their_times(connection, add_job, script):
    job_id = add_job(connection)
    points.take(connection, job_id, script.points([3, 5, 9]).reports)
    assert points.read(connection, row(connection, job_id)["id"]).times.tolist() == [1e9 + step * 0.1 for step in (3, 5, 9)]


def test_a_store_from_before_there_were_blocks_gets_them_from_its_reports(connection, add_job, script):
    job_id = add_job(connection)
    reports = script.started().points(range(7)).started(first_step=4).points(range(4, 9)).reports
    events.add_reports(connection, job_id, reports)
    assert points.gather in STEPS
    points.gather(connection)
    assert stored(connection, job_id) == folded(reports)


def test_a_long_run_takes_no_longer_rows(connection, add_job):
    """10⁵ points in one report: whole blocks at once."""
    job_id, steps = add_job(connection), np.arange(100_000)
    points.take(connection, job_id, [Report(points=Points(steps=steps, times=steps, columns=[Column(series="loss", values=steps)]))])
    sizes = [block["points"] for block in points.blocks(connection, row(connection, job_id)["id"])]
    assert sizes == [points.BLOCK] * (100_000 // points.BLOCK) + [100_000 % points.BLOCK]
