"""Rows under headings: nothing is cut, however long."""

from coordinator.terminal.columns import columns


def test_a_column_is_as_wide_as_its_widest_cell():
    assert columns(("name", "of"), [("a", "b"), ("longer", "")]) == "name    of\na       b\nlonger"
