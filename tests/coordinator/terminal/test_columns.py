"""Rows under headings: elsewhere than on a terminal nothing is cut, however long."""

import sys

import pytest

from coordinator.terminal.columns import columns, fitted

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


def test_elsewhere_nothing_is_cut(monkeypatch):
    monkeypatch.setenv("COLUMNS", "3")
    assert fitted(HEADINGS, ROWS, LEAST) == columns(HEADINGS, ROWS)
