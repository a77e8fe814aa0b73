"""Curves from the store: near by their points, from afar the extremes of blocks, and the same picture either way."""

import random

import pytest

from coordinator.store import points
from coordinator.views.curve import Window, curves

SPIKES = {700: 50.0, 1301: -50.0}


@pytest.fixture
def job(connection, add_job, script, monkeypatch):
    """2000 points in blocks of 8, two of them spikes."""
    monkeypatch.setattr(points, "BLOCK", 8)
    chance = random.Random(3)
    values = [chance.random() for _ in range(2000)]
    for step, value in SPIKES.items():
        values[step] = value
    job_id = add_job(connection)
    for start in range(0, 2000, 50):
        points.take(connection, job_id, script.points(range(start, start + 50), value=values.__getitem__).reports[-1:])
    points.take(connection, job_id, script.points([4, 9], "eval_loss").reports[-1:])
    return job_id, values


def loss(connection, job, *window):
    job_id, values = job
    curve, = curves(connection, job_id, ["loss"], Window(*window))
    assert [values[step] for step in curve.steps] == list(curve.values)
    assert list(curve.steps) == sorted(set(curve.steps))
    return curve


def test_all_series_come_unless_some_are_named(connection, job):
    assert [curve.series for curve in curves(connection, job[0], [], Window())] == ["loss", "eval_loss"]
    assert [curve.series for curve in curves(connection, job[0], ["eval_loss"], Window())] == ["eval_loss"]
    assert curves(connection, job[0], ["nope"], Window()) == []


def test_a_curve_names_its_job(connection, job):
    assert {curve.job_id for curve in curves(connection, job[0], [], Window())} == {job[0]}


@pytest.mark.parametrize("most", [4, 5, 20, 100, 333, 1000, 1999])
def test_few_enough_points_with_both_ends_and_both_spikes(connection, job, most):
    """Both ways of looking are among these."""
    curve = loss(connection, job, 0, points.LAST, most)
    assert len(curve.steps) <= most and curve.total_points == 2000
    assert (curve.steps[0], curve.steps[-1]) == (0, 1999)
    assert SPIKES.keys() <= set(curve.steps)


@pytest.mark.parametrize(("first", "last"), [(0, 0), (3, 1990), (8, 15), (100, 1500), (701, 1300), (1999, 5000)])
@pytest.mark.parametrize("most", [0, 20, 400])
def test_a_window_counts_and_shows_what_lies_in_it(connection, job, first, last, most):
    curve, inside = loss(connection, job, first, last, most), range(first, min(last, 1999) + 1)
    assert curve.total_points == len(inside)
    assert (curve.steps[0], curve.steps[-1]) == (inside[0], inside[-1])
    shown = [job[1][step] for step in inside]
    assert (min(curve.values), max(curve.values)) == (min(shown), max(shown))


def test_without_a_limit_and_near_by_it_is_exact(connection, job):
    assert list(loss(connection, job).values) == job[1]
    assert list(loss(connection, job, 200, 299, 100).steps) == list(range(200, 300))


def test_a_window_without_points_is_an_empty_curve(connection, job):
    curve, = curves(connection, job[0], ["eval_loss"], Window(5, 8, 4))
    assert (list(curve.steps), curve.total_points) == ([], 0)


def test_points_that_come_one_by_one_do_not_draw_all_the_eyes_to_the_end(connection, add_job, script):
    """The newest lie in many small blocks, those before in few large ones."""
    job_id = add_job(connection)
    points.take(connection, job_id, script.points(range(8 * points.BLOCK), value=float).reports[-1:])
    for step in range(8 * points.BLOCK, 8 * points.BLOCK + 500):
        points.take(connection, job_id, script.points([step], value=float).reports[-1:])
    curve, = curves(connection, job_id, ["loss"], Window(0, points.LAST, 400))
    in_parts = [sum(low <= step < low + points.BLOCK for step in curve.steps) for low in range(0, 8 * points.BLOCK, points.BLOCK)]
    assert len(curve.steps) <= 400 and min(in_parts) >= 30
