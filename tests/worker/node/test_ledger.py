"""The ledger: the newest rows of the curve, for the rank that takes over."""

import numpy as np
import pytest

from worker.node import ledger
from worker.node.ledger import BYTES, EVAL, TRAIN, Ledger
from worker.node.memory import Segment

WIDTH = 4


@pytest.fixture
def mates():
    """Two ranks' ledgers in the same memory, somewhere behind its begin."""
    segment = Segment.new(256 + ledger.size_bytes(WIDTH))
    return Ledger(segment, 256, WIDTH), Ledger(segment, 256, WIDTH)


def told(rows):
    return [(row.kind, row.step, row.time, row.values.tolist()) for row in rows]


def test_rows_come_back_as_they_are(mates):
    """Every bit: 0.1 is no short number in base 2."""
    writer, reader = mates
    writer.write(TRAIN, 7, 1.7e9 + 0.1, np.array([0.1, np.nan, -0.0, 3e-300]))
    (row,) = reader.read(8)
    assert (row.kind, row.step, row.time) == (TRAIN, 7, 1.7e9 + 0.1)
    assert row.values.tobytes() == np.array([0.1, np.nan, -0.0, 3e-300]).tobytes()


def test_nothing_was_written_to_a_new_one(mates):
    assert mates[0].read(100) == []


def test_rows_of_steps_that_were_not_committed_are_left_out(mates):
    for step in range(5):
        mates[0].write(TRAIN, step, 0.0, np.zeros(WIDTH))
    assert [row.step for row in mates[1].read(3)] == [0, 1, 2]


def test_training_comes_before_the_evaluation_behind_it(mates):
    for kind, step in ((TRAIN, 0), (TRAIN, 1), (EVAL, 1), (TRAIN, 2)):
        mates[0].write(kind, step, 0.0, np.zeros(WIDTH))
    assert [(row.kind, row.step) for row in mates[1].read(9)] == [(TRAIN, 0), (TRAIN, 1), (EVAL, 1), (TRAIN, 2)]


def test_of_a_step_computed_again_the_last_row_counts(mates):
    for step, value in ((0, 1), (1, 2), (1, 3)):
        mates[0].write(TRAIN, step, 0.0, np.full(WIDTH, float(value)))
    assert told(mates[1].read(9)) == [(TRAIN, 0, 0.0, [1] * WIDTH), (TRAIN, 1, 0.0, [3] * WIDTH)]


@pytest.mark.parametrize("width", [1, 4, 50, 10_000])
def test_the_newest_rows_are_kept(width):
    made = Ledger(Segment.new(ledger.size_bytes(width)), 0, width)
    kept = ledger.rows(width)
    for step in range(kept + 10):
        made.write(TRAIN, step, 0.0, np.full(width, float(step)))
    rows = made.read(kept + 10)
    assert [row.step for row in rows] == list(range(10, kept + 10))
    assert all((row.values == row.step).all() for row in rows)


def test_a_ledger_takes_a_megabyte_or_keeps_64_rows():
    assert [ledger.rows(width) for width in (5, 10**6)] == [BYTES // 64, 64]
    assert ledger.size_bytes(5) == BYTES + 8  # and how many there were
