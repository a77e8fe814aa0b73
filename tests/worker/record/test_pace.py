"""Means of steps' times over a period."""

import time

import pytest

from worker.record import pace
from worker.record.pace import Gauge


@pytest.fixture
def clock(monkeypatch):
    """Stands still until it is set."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def test_means_are_those_of_the_period_and_begin_anew_behind_it(clock):
    gauge = Gauge(0, ["a", "b"])
    assert gauge.note(0, [0.1, 0.3], 0.01) is None
    clock[0] += pace.PERIOD_S
    told = gauge.note(1, [0.3, 0.5], 0.03)
    assert (told.step, told.steps, told.step_s, list(told.hosts)) == (1, 2, pace.PERIOD_S / 2, ["a", "b"])
    assert (list(told.rank_s), told.read_s) == ([pytest.approx(0.2), pytest.approx(0.4)], pytest.approx(0.02))
    clock[0] += pace.PERIOD_S
    assert list(gauge.note(2, [1.0, 2.0], 0).rank_s) == [1.0, 2.0]


def test_steps_that_nobody_looked_at_count(clock):
    gauge = Gauge(100, ["a"])
    gauge.note(109, [0.1], 0.01)
    clock[0] += pace.PERIOD_S
    told = gauge.note(129, [0.3], 0.03)
    assert (told.steps, told.step_s, list(told.rank_s)) == (30, pace.PERIOD_S / 30, [pytest.approx(0.2)])
    clock[0] += pace.PERIOD_S
    assert gauge.note(139, [0.1], 0.0).steps == 10
