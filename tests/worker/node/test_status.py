"""Each rank's marks in the node's memory, by which the keeper knows who is late."""

import os

import numpy as np
import pytest

from worker.node import keeper, status
from worker.node.memory import Segment
from worker.node.status import Late, Status

SIZE = keeper.ROWS_BYTE + keeper.ROWS * keeper.ROW.size


@pytest.fixture
def segment():
    return Segment.new(SIZE)


@pytest.fixture
def clock(monkeypatch):
    """`clock(3.0)`: that many seconds pass."""
    now = [1000.0]
    monkeypatch.setattr(status.time, "monotonic", lambda: now[0])

    def passes(seconds):
        now[0] += seconds

    return passes


def row(segment, place):
    """What the keeper reads: (pid, rank, calls, waits, since_s, step, late_s)."""
    return keeper.ROW.unpack(segment.array(keeper.ROWS_BYTE + place * keeper.ROW.size, keeper.ROW.size, np.uint8).tobytes())[:6]


def deadline(segment):
    return segment.array(keeper.DEADLINE_BYTE, 1, np.float64)[0]


def taken(segment, place=3, rank=7, floor_s=10.0):
    made = Status(segment, floor_s)
    made.take(place, rank)
    return made


def test_a_rank_computes_from_when_it_takes_its_row(segment, clock):
    taken(segment)
    assert row(segment, 3) == (os.getpid(), 7, 0, 0, 1000.0, 0.0)


def test_it_says_when_it_waits_and_since_when_it_goes_on(segment, clock):
    made = taken(segment)
    clock(2), made.waits()
    assert row(segment, 3)[2:5] == (1, 1, 1000.0)
    clock(3), made.goes_on()
    assert row(segment, 3)[2:5] == (1, 0, 1005.0)


def test_rows_of_ranks_do_not_touch(segment):
    first, second = taken(segment, 0, 4), taken(segment, 1, 5)
    first.waits(), second.waits(), second.waits()
    assert [row(segment, place)[1:4] for place in range(3)] == [(4, 1, 1), (5, 2, 1), (0, 0, 0)]


def test_a_row_is_taken_over_as_if_it_were_new(segment, clock):
    """By a rank that comes to the place of a dead one."""
    made = taken(segment)
    made.waits(), made.measured(0.1)
    taken(segment, rank=8)
    assert row(segment, 3) == (os.getpid(), 8, 0, 0, 1000.0, 0.0)


def test_the_deadline_follows_the_slowest_step(segment):
    """Thirty of them; of the first steps, which compile and read, nothing is concluded."""
    made = taken(segment, floor_s=1.0)
    for step in range(2):
        made.measured(50.0)
        assert deadline(segment) == 0
    made.measured(0.1)
    assert deadline(segment) > 30 * 40


def test_a_slow_step_is_forgotten_in_time(segment):
    made = taken(segment, floor_s=1.0)
    for step in range(1000):
        made.measured(50.0 if step == 0 else 0.1)
    assert deadline(segment) == pytest.approx(30 * 0.1)


def test_the_deadline_is_never_shorter_than_the_job_says(segment):
    made = taken(segment, floor_s=10.0)
    for step in range(3):
        made.measured(0.001)
    assert deadline(segment) == 10


def test_there_is_no_deadline_while_ranks_come_and_go(segment):
    made = taken(segment)
    for step in range(3):
        made.measured(0.1)
    made.rest()
    assert deadline(segment) == 0
    made.measured(0.1), made.measured(0.1)
    assert deadline(segment) == 0
    made.measured(0.1)
    assert deadline(segment) == 10


def mark_late(segment, place, seconds):
    """As the keeper does."""
    segment.array(keeper.ROWS_BYTE + place * keeper.ROW.size + keeper.LATE_BYTE, 1, np.float64)[0] = seconds


def test_whom_the_keeper_has_ended_is_named(segment):
    made = taken(segment, place=2, rank=5)
    made.waits(), made.waits()
    other = taken(segment, place=0, rank=3)
    mark_late(segment, 2, 12.34)
    assert other.late(41) == [Late(rank=5, pid=os.getpid(), step=41, calls=2, seconds=12.34)]
    assert other.late(41)[0].sentence == "was ended: 12.3 s late in step 41, after collective call 2"


def test_nobody_is_late_in_fresh_memory(segment):
    assert taken(segment).late(0) == []


def test_more_ranks_than_rows_are_not_watched(segment):
    made = taken(segment, place=keeper.ROWS)
    made.waits(), made.goes_on(), made.measured(1.0)
    assert not segment.array(keeper.ROWS_BYTE, keeper.ROWS * 8, np.int64).any()
