"""Which attempt printed which part of a log."""

import pytest

from coordinator.launchers import parts
from worker.record.rundir import RunDir


@pytest.fixture
def run(tmp_path):
    return RunDir(tmp_path)


def test_an_attempt_begins_where_the_log_ends(run):
    run.log.write_text("ranks that waited for a job\n")
    parts.begin(run, 1)
    run.log.write_text("one\ntwo\n")
    parts.begin(run, 2)
    assert parts.starts(run) == {1: 0, 2: 8}


def test_it_begins_with_a_line_of_its_own_where_the_one_before_was_cut_off(run):
    parts.begin(run, 1)
    run.log.write_text("one\ntw")
    parts.begin(run, 2)
    assert run.log.read_text() == "one\ntw\n" and parts.starts(run) == {1: 0, 2: 7}


def test_ranks_that_came_to_nothing_leave_their_number_to_the_next(run):
    parts.begin(run, 1)
    run.log.write_text("mpirun: no\n")
    parts.begin(run, 1)
    assert parts.starts(run) == {1: 0}


def test_before_the_first_start_there_is_none(run):
    assert parts.starts(run) == {}


def test_what_is_half_written_does_not_count(run):
    run.attempts.write_text("1 0\n2 100\n3 ")
    assert parts.starts(run) == {1: 0, 2: 100}
