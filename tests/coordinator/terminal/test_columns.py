"""Rows under headings: elsewhere than on a terminal nothing is cut, however long."""

import sys

import pytest

from rich.cells import cell_len

from coordinator.terminal.columns import columns, fitted, folded, named

HEADINGS, ROWS, LEAST = ("id", "name", "why"), [("job1", "long-name", "because")], (("why", 4), ("name", 5), ("why", 0))


def test_a_column_is_as_wide_as_its_widest_cell():
    assert columns(("name", "of"), [("a", "b"), ("longer", "")]) == "name    of\na       b\nlonger"


@pytest.mark.parametrize(("width", "row"), [
    (24, "job1  long-name  because"), (23, "job1  long-name  becau…"), (21, "job1  long-name  bec…"), (19, "job1  long-n…  bec…"),
    (17, "job1  long…  bec…"), (16, "job1  long…"), (3, "job1  long…")])
def test_on_a_terminal_cells_are_cut_in_turn_and_columns_left_out(monkeypatch, width, row):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(width))
    assert fitted(HEADINGS, ROWS, LEAST).splitlines()[1] == row


def test_wide_characters_count_as_two(monkeypatch):
    rows = [("a", "手写数字识别"), ("bb", "x")]
    assert columns(("id", "file"), rows).splitlines() == ["id  file", "a   手写数字识别", "bb  x"]
    assert [cell_len(line) for line in columns(("file", "id"), [("手写", "a"), ("xy", "b")]).splitlines()] == [8, 7, 7]
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "12")
    assert fitted(("id", "file"), rows, [("file", 4)]).splitlines()[1] == "a   手写数 …"  # seven fit, and a half


def test_on_a_terminal_a_long_value_goes_on_below_its_beginning(monkeypatch):
    rows = [("job", "j1"), ("failure", "the ranks have ended: 手写数字识别手写数字识别 was not there"), ("", "later")]
    assert named(rows).splitlines() == ["job         j1", "failure     " + rows[1][1], "            later"]
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "40")
    lines = named(rows).splitlines()
    assert lines[1:-1] == ["failure     the ranks have ended:", "            手写数字识别手写数字识别 was", "            not there"]
    assert max(map(cell_len, lines)) <= 40
    assert folded("FAILED: the ranks ended before the job was done").splitlines() == ["FAILED: the ranks ended before the job", "was done"]


def test_elsewhere_nothing_is_cut_or_folded(monkeypatch):
    monkeypatch.setenv("COLUMNS", "3")
    assert fitted(HEADINGS, ROWS, LEAST) == columns(HEADINGS, ROWS)
    assert folded("a b c d") == "a b c d"
