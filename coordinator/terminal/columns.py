"""Rows under headings, as wide as they are: for what people search through and programs cut up."""

from collections.abc import Sequence


def columns(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lines of cells, two blanks apart."""
    widths = [max(map(len, column)) for column in zip(headings, *rows)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in (headings, *rows))
