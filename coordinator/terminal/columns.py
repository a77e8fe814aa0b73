"""Rows under headings, and values behind their names: on a terminal as wide as that, cut or folded where they may be; elsewhere
as wide as they are, for what people search through and programs cut up. Wide characters count as two."""

import shutil
import sys
from collections.abc import Iterator, Sequence

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

GAP = 2
LEAST_NAME, LEAST_ROOM = 10, 24


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


def named(rows: Sequence[tuple[str, str]]) -> str:
    """A name, two blanks, its value: where that is folded it goes on below its beginning."""
    width = max(LEAST_NAME, *(len(name) for name, _ in rows))
    room = shutil.get_terminal_size().columns - width - GAP if sys.stdout.isatty() else 0
    lines = [("" if place else name, line) for name, value in rows for place, line in enumerate(_folded(value, room))]
    return "\n".join(f"{name:<{width}}{' ' * GAP}{line}".rstrip() for name, line in lines)


def folded(sentence: str) -> str:
    """On a terminal, between its words."""
    return "\n".join(_folded(sentence, shutil.get_terminal_size().columns if sys.stdout.isatty() else 0))


def _folded(value: str, room: int) -> Iterator[str]:
    if room < LEAST_ROOM:
        yield value
        return
    yield from (line.plain.rstrip() for line in Text(value).wrap(Console(width=room), room) or [Text()])


def _widths(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(cell_len, column)) for column in zip(headings, *rows)]


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    return (" " * GAP).join(cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths)).rstrip()


def _cut(cell: str, width: int) -> str:
    return cell if cell_len(cell) <= width else set_cell_size(cell, width - 1) + "…"
