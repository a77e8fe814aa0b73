"""Rank 0's reports: rows travel together, and never behind the event that follows them."""

from contextlib import ExitStack, closing

import numpy as np
import pytest

from bptrain.v1.report_pb2 import AttemptEnded, AttemptStarted, CheckpointWritten
from worker.record import reporter
from worker.record.journal import Journal, read


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal"


def summaries(rows):
    """Of rows of a sum and a count."""
    return {"loss": (rows[:, 0] / rows[:, 1]).tolist()}


@pytest.fixture
def make(path, monkeypatch):
    """A reporter of attempt 3 that flushes after so many seconds."""

    def build(flush_s, notify=lambda: None):
        monkeypatch.setattr(reporter, "FLUSH_S", flush_s)
        return reporter.Reporter(stack.enter_context(closing(Journal(path))), 3, summaries, notify)

    with ExitStack() as stack:
        yield build


def told(path):
    """Each record as the name of its event, or as its rows' steps."""
    return [list(report.points.steps) or report.WhichOneof("event") for report in read(path)]


def test_rows_come_before_the_event_behind_them(make, path):
    r = make(flush_s=3600)
    r.started(AttemptStarted())
    for step in (0, 1):
        r.point(step, {"loss": 1.0})
    r.checkpoint(CheckpointWritten(step=2))
    r.point(2, {"loss": 1.0})
    r.ended(AttemptEnded(step=3))
    assert told(path) == ["started", [0, 1], "checkpoint", [2], "ended"]


def test_rows_wait_for_one_another(make, path):
    r = make(flush_s=3600)
    r.point(0, {"loss": 1.0})
    assert told(path) == []


def test_rows_do_not_wait_longer_than_a_moment(make, path):
    r = make(flush_s=0)
    r.point(0, {"loss": 1.0}), r.point(1, {"loss": 1.0})
    assert told(path) == [[0], [1]]


def test_sums_wait_for_a_look_or_for_many(make, path):
    r = make(flush_s=0)
    r.sums(0, np.ones(2)), r.sums(1, np.ones(2))
    assert told(path) == []
    r.look()
    assert told(path) == [[0, 1]]
    for step in range(2, 2 + 33):
        r.sums(step, np.ones(2))
    assert told(path)[1:] == [list(range(2, 2 + 32))]


def test_different_series_do_not_share_a_record(make, path):
    r = make(flush_s=3600)
    r.point(0, {"loss": 1.0}), r.point(1, {"loss": 2.0})
    r.point(1, {"eval_loss": 3.0})
    r.point(2, {"loss": 4.0})
    r.ended(AttemptEnded())
    assert told(path) == [[0, 1], [1], [2], "ended"]
    assert [[column.series for column in report.points.columns] for report in read(path)][:3] == [["loss"], ["eval_loss"], ["loss"]]


def test_values_come_column_by_column_as_they_are(make, path):
    r = make(flush_s=3600)
    r.point(5, {"loss": float("nan"), "accuracy": 0.1}), r.point(6, {"loss": 0.2, "accuracy": 0.3})
    r.ended(AttemptEnded())
    loss, accuracy = next(read(path)).points.columns
    assert (loss.series, str(loss.values[0]), loss.values[1]) == ("loss", "nan", 0.2)
    assert (accuracy.series, list(accuracy.values)) == ("accuracy", [0.1, 0.3])


def test_sums_are_read_when_they_are_written(make, path):
    r = make(flush_s=3600)
    r.sums(0, np.array([6.0, 4.0])), r.sums(1, np.array([1.0, 4.0])), r.point(1, {"eval_loss": 3.0})
    r.ended(AttemptEnded())
    first, second, _ = read(path)
    assert (list(first.points.steps), [(column.series, list(column.values)) for column in first.points.columns]) == ([0, 1], [("loss", [1.5, 0.25])])
    assert list(second.points.steps) == [1]


def test_every_row_and_record_has_its_time_and_attempt(make, path):
    r = make(flush_s=3600)
    r.point(0, {"loss": 1.0}), r.point(1, {"loss": 1.0})
    r.ended(AttemptEnded())
    points, ended = read(path)
    first, second = points.points.times
    assert 1.7e9 < first <= second <= points.time <= ended.time  # Unix seconds, after 2023
    assert (points.attempt, ended.attempt) == (3, 3)


def test_the_end_is_written_then_said_and_then_told(make, path):
    """Who hears of it looks into the log."""
    order = []
    r = make(flush_s=3600, notify=lambda: order.append("told"))
    r.ended(AttemptEnded(), lambda: order.append(["said", *told(path)]))
    assert order == [["said", "ended"], "told"]


def test_it_tells_of_every_record_once_it_is_written(make, path):
    seen = []
    r = make(flush_s=3600, notify=lambda: seen.append(len(told(path))))
    r.started(AttemptStarted()), r.point(0, {"loss": 1.0}), r.ended(AttemptEnded())
    assert seen == [1, 2, 3]
