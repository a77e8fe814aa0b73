"""When replacements of dead ranks are started."""

import pytest

from worker import healing
from worker.healing import ATTEMPTS, PATIENCE_S, PAUSE_S, Healing


@pytest.fixture
def clock(monkeypatch):
    """`clock(3.0)`: that many seconds pass."""
    now = [1000.0]
    monkeypatch.setattr(healing.time, "monotonic", lambda: now[0])

    def passes(seconds):
        now[0] += seconds

    return passes


@pytest.fixture
def made(clock):
    return Healing()


def test_nobody_is_replaced_who_has_not_died(made, clock):
    clock(3600)
    assert not made.is_due()


def test_the_dead_are_replaced_at_once(made):
    made.lost()
    assert made.is_due()


def test_newcomers_on_their_way_are_waited_for(made, clock):
    made.lost(), made.started()
    clock(PATIENCE_S)
    assert not made.is_due()
    clock(1)
    assert made.is_due()


def test_newcomers_that_were_sent_away_get_time_to_be_gone(made, clock):
    made.lost(), made.started(), made.lost()
    assert not made.is_due()
    clock(PAUSE_S)
    assert made.is_due()


def test_all_is_well_when_they_have_been_taken_in(made, clock):
    made.lost(), made.started(), made.done()
    clock(3600)
    assert not made.is_due()
    made.lost()
    assert made.is_due()


def test_newcomers_that_died_on_the_way_are_replaced_after_a_pause(made, clock):
    made.lost(), made.started(), made.failed()
    assert not made.is_due()
    clock(PAUSE_S)
    assert made.is_due()


def failures(made, clock, count):
    for _ in range(count):
        made.started(), made.failed()
        clock(PAUSE_S)


def test_it_gives_up_when_all_attempts_in_a_row_have_failed(made, clock):
    made.lost()
    failures(made, clock, ATTEMPTS - 1)
    assert made.is_due()
    failures(made, clock, 1)
    assert not made.is_due()


def test_a_success_starts_the_count_again(made, clock):
    made.lost()
    failures(made, clock, ATTEMPTS - 1)
    made.started(), made.done(), made.lost()
    failures(made, clock, ATTEMPTS - 1)
    assert made.is_due()
