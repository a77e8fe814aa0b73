"""The journal: what stands in it whole stays, what was cut off goes, and numbers have no hole."""

import subprocess
import sys
from contextlib import ExitStack, closing

import pytest

from bptrain.v1.report_pb2 import AttemptEnded, AttemptStarted, Column, Points, Report
from worker.record.journal import HEAD, Journal, Tail, read


def points(step):
    return Report(attempt=1, points=Points(steps=[step], times=[0.5], columns=[Column(series="loss", values=[1 / (1 + step)])]))


def sequences(path):
    return [report.sequence for report in read(path)]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal"


@pytest.fixture
def opened(path):
    """`opened()`: a journal at `path`, closed when the test is over."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(closing(Journal(path)))


@pytest.fixture
def three(path, opened):
    """A journal of three records; where each begins, and where the last ends."""
    journal, bounds = opened(), [0]
    for step in range(3):
        journal.append(points(step))
        bounds.append(path.stat().st_size)
    return bounds


def test_what_was_appended_is_read_in_order(path, three):
    reports = list(read(path))
    assert [report.points.steps[0] for report in reports] == [0, 1, 2]
    assert [report.points.columns[0].values[0] for report in reports] == [1, 1 / 2, 1 / 3]


def test_sequence_numbers_count_from_one(path, three):
    assert sequences(path) == [1, 2, 3]


def test_not_a_number_and_infinities_are_kept(path, opened):
    opened().append(Report(points=Points(columns=[Column(series="loss", values=[float("nan"), float("inf"), -0.0])])))
    (report,) = read(path)
    assert [str(value) for value in report.points.columns[0].values] == ["nan", "inf", "-0.0"]


def test_numbers_go_on_when_it_is_opened_again(path, three, opened):
    journal = opened()
    assert (journal.sequence, journal.attempt) == (3, 1)
    journal.append(Report(attempt=2, started=AttemptStarted()))
    assert sequences(path) == [1, 2, 3, 4]
    assert opened().attempt == 2


def test_a_missing_journal_is_an_empty_one(path, opened):
    assert list(read(path)) == []
    assert (opened().sequence, opened().attempt) == (0, 0)


def test_a_torn_tail_is_dropped_at_every_byte(path, three, opened):
    whole = path.read_bytes()
    for length in range(three[2], three[3]):
        path.write_bytes(whole[:length])
        assert sequences(path) == [1, 2]
        journal = opened()
        assert path.stat().st_size == three[2]
        journal.append(points(2))
        assert path.read_bytes() == whole


def test_the_first_record_torn_leaves_an_empty_journal(path, three, opened):
    path.write_bytes(path.read_bytes()[:three[1] - 1])
    assert opened().sequence == 0 and path.stat().st_size == 0


def test_a_changed_byte_stops_the_reading_there(path, three):
    whole = path.read_bytes()
    for place in range(three[1], three[2]):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1:])
        assert sequences(path) == [1]


@pytest.mark.parametrize("zeros", [8, 16, 4096])
def test_a_tail_of_zeros_is_dropped(path, three, zeros, opened):
    """What a file system may leave behind a power cut: the length is there, the data is not."""
    with open(path, "ab") as file:
        file.write(b"\0" * zeros)
    assert sequences(path) == [1, 2, 3]
    assert opened().sequence == 3


def test_a_tail_goes_on_where_it_stopped(path, three, opened):
    tail, journal = Tail(path), opened()
    assert [report.sequence for report in tail.read()] == [1, 2, 3]
    assert list(tail.read()) == []
    journal.append(points(3)), journal.append(points(4))
    assert [report.sequence for report in tail.read()] == [4, 5]


def test_a_tail_waits_for_a_journal_that_is_not_there_yet(path, opened):
    tail = Tail(path)
    assert list(tail.read()) == []
    opened().append(points(0))
    assert [report.sequence for report in tail.read()] == [1]


def test_a_tail_sees_each_record_once_while_it_is_being_written(path, three):
    whole, seen = path.read_bytes(), []
    path.write_bytes(b"")
    tail = Tail(path)
    for byte in whole:
        with open(path, "ab") as file:
            file.write(bytes([byte]))
        seen += [report.sequence for report in tail.read()]
    assert seen == [1, 2, 3]


def test_a_tail_read_in_part_goes_on_behind_that_part(path, three):
    tail = Tail(path)
    assert next(tail.read()).sequence == 1
    assert [report.sequence for report in tail.read()] == [2, 3]


def test_the_format_is_length_and_crc_then_the_message(path, opened):
    """Little-endian, so that any program can read it. The CRC-32 of these bytes is zlib's."""
    opened().append(Report(attempt=1, ended=AttemptEnded(step=5)))
    content = path.read_bytes()
    length, _ = HEAD.unpack(content[:8])
    assert length == int.from_bytes(content[:4], "little") == len(content) - 8
    assert Report.FromString(content[8:]) == Report(sequence=1, attempt=1, ended=AttemptEnded(step=5))


KILLED = """
import os, signal
from pathlib import Path
from bptrain.v1.report_pb2 import Report
from worker.record.journal import Journal
journal = Journal(Path("journal"))
for _ in range(1000):
    journal.append(Report(attempt=1))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_process_loses_nothing(path, script, tmp_path):
    done = subprocess.run([sys.executable, script(KILLED)], cwd=tmp_path, timeout=60)
    assert done.returncode == -9
    assert sequences(path) == list(range(1, 1001))
