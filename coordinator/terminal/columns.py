"""Rows under headings: on a terminal as wide as that, cut where they may be; elsewhere as wide as they are, for what people
search through and programs cut up."""

import shutil
import sys
from collections.abc import Sequence

GAP = 2


def columns(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lines of cells, two blanks apart."""
    return "\n".join(_line(row, _widths(headings, rows)) for row in (headings, *rows))


def fitted(headings: Sequence[str], rows: Sequence[Sequence[str]], least: Sequence[tuple[str, int]]) -> str:
    """The same; while a terminal is too narrow, the columns of `least`, one after the other, are cut down to so many
    characters, or left out at 0."""
    widths = _widths(headings, rows)
    surplus = sum(widths) + GAP * (len(widths) - 1) - shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    for heading, smallest in least:
        place = headings.index(heading)
        if surplus > 0 and not smallest:
            surplus -= widths[place] + GAP
            widths[place] = 0
        elif surplus > 0:
            cut = max(0, min(surplus, widths[place] - smallest))
            surplus -= cut
            widths[place] -= cut
    return "\n".join(_line([_cut(cell, width) for cell, width in zip(row, widths) if width], [*filter(None, widths)]) for row in (headings, *rows))


def _widths(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(len, column)) for column in zip(headings, *rows)]


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    return (" " * GAP).join(map(str.ljust, row, widths)).rstrip()


def _cut(cell: str, width: int) -> str:
    return cell if len(cell) <= width else cell[:width - 1] + "…"
