"""Blocks of columns as rows of one structured dtype in a mapped file (spool.py).

1. What the first block holds decides what a column is: text, or numbers. Where a later one disagrees, its row is named.
2. Text is numbered in the order in which it appears; −1 stands for an empty cell, NaN for a missing number.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from bpcore.errors import InvalidInput, Problem, show
from worker.sources.spool import spooled

EXACT = 2.0 ** 53  # below it integers among floats are what they were
OWN = ("x", "y", "weight")  # fields; a column of text among the inputs has another name
GROUP = "(group)"  # a field's name, and hardly a column's
Columns = Mapping[str, np.ndarray]  # name → numbers, or objects that are text; None or NaN is missing


@dataclass(frozen=True)
class Roles:
    """Which columns are what, of those that there are; empty where there is none."""

    inputs: Sequence[str]
    target: Sequence[str]
    weight: str
    group: str

    @property
    def all(self) -> list[str]:
        return [name for name in dict.fromkeys((*self.inputs, *self.target, self.weight, self.group)) if name]


class Packed:
    """`cells`: rows; `codes`: column of text → its texts, by number. `roles(names)`: of these columns. Raises InvalidInput."""

    def __init__(self, blocks: Iterable[tuple[str, Columns]], roles: Callable[[Sequence[str]], Roles]):
        self._files: list[tuple[int, str]] = []  # first row, name
        self.roles, self.codes = Roles((), (), "", ""), {}
        self.cells, _ = spooled(self._rows(blocks, roles))
        if not len(self.cells):
            raise InvalidInput([Problem("path", "expected at least one row, but there is none")])

    @property
    def numbers(self) -> list[str]:
        """The columns of x, in their order."""
        return [name for name in self.roles.inputs if name not in self.codes]

    def place(self, row: int) -> str:
        """How to call a row before users."""
        first, file = self._files[bisect_right(self._files, row, key=lambda each: each[0]) - 1]
        return f"{file}, row {row - first + 1}"

    def segments(self) -> Iterator[slice]:
        """Rows of one file and one group, standing together."""
        starts = [first for first, _ in self._files]
        if self.roles.group:
            starts += (np.flatnonzero(np.diff(self.cells[GROUP])) + 1).tolist()
        cuts = sorted({*starts, len(self.cells)})
        yield from (slice(*pair) for pair in pairwise(cuts))

    def source(self, field: str) -> str:
        """The column that a field is made of, where it is one."""
        if field == "y":
            return self.roles.target[0]
        return {"weight": self.roles.weight, GROUP: self.roles.group}.get(field, field)

    def _rows(self, blocks: Iterable[tuple[str, Columns]], roles: Callable[[Sequence[str]], Roles]) -> Iterator[np.ndarray]:
        count = 0
        for file, columns in blocks:
            if not self._files:
                self.roles = roles(list(columns))
                self.codes = {name: {} for name in self.roles.all if columns[name].dtype == object}
                if problems := self._text_problems():
                    raise InvalidInput(problems)
                dtype = self._dtype(columns)
            if not self._files or self._files[-1][1] != file:
                self._files.append((count, file))
            self._require_alike(columns, dtype, count)
            block = np.zeros(len(next(iter(columns.values()))), dtype)
            for name in dtype.names:
                block[name] = self._cell(name, columns)
            count += len(block)
            yield block

    def _text_problems(self) -> list[Problem]:
        """Of columns that hold text where they may not."""
        roles, codes = self.roles, self.codes
        found = [Problem("inputs", f'expected another name for the column of text "{name}", as a field is called so; rename it')
                 for name in roles.inputs if name in codes and name in OWN]
        found += [Problem("target", f'expected numbers in several targets, but "{name}" is text; give one target for a class')
                  for name in roles.target if name in codes and len(roles.target) > 1]
        return found + [Problem("weight", f'expected numbers, but "{name}" is text') for name in (roles.weight,) if name in codes]

    def _dtype(self, columns: Columns) -> np.dtype:
        roles, numbers = self.roles, self.numbers
        kinds: list[tuple] = [("x", np.float32, (len(numbers),))] if numbers else []
        kinds += [(name, np.int32) for name in roles.inputs if name in self.codes]
        if len(roles.target) == 1:
            only = columns[roles.target[0]].dtype
            kinds.append(("y", np.int32 if roles.target[0] in self.codes else np.int64 if only.kind in "iub" else np.float32))
        elif roles.target:
            kinds.append(("y", np.float32, (len(roles.target),)))
        kinds += [("weight", np.float32)] if roles.weight else []
        return np.dtype(kinds + ([(GROUP, np.int32 if roles.group in self.codes else _of_names(columns[roles.group].dtype))] if roles.group else []))

    def _require_alike(self, columns: Columns, dtype: np.dtype, first: int) -> None:
        """Raises InvalidInput unless a block has the columns that the first one had, and in them the same."""
        for name in self.roles.all:
            if name not in columns:
                raise InvalidInput([Problem("path", f'{self._files[-1][1]}: expected the column "{name}", as {self._files[0][1]} has it')])
            wrong, wanted = self._strange(name, columns[name], dtype)
            if wrong.any():
                row = int(np.argmax(wrong))
                value, = columns[name][row:row + 1].tolist()
                got = "but there is none" if value != value else f"got {show(value)}"
                raise InvalidInput([Problem("path", f'{self.place(first + row)}: expected {wanted}, {got}')])

    def _strange(self, name: str, column: np.ndarray, dtype: np.dtype) -> tuple[np.ndarray, str]:
        """(which rows hold something else, what is wanted)."""
        before = f'in "{name}", as in the rows before'
        if name in self.codes:
            return np.zeros(1, bool) if column.dtype == object else ~np.isnan(column.astype(np.float64)), f"text {before}"
        if column.dtype == object:
            return np.array([each is not None for each in column]), f"a number {before}"
        if name in self.roles.target and dtype["y"] == np.int64 and column.dtype.kind == "f":
            return column != np.floor(column), f"an integer {before}"
        if name == self.roles.group and column.dtype.kind == "f":
            if dtype[GROUP].kind in "iu" and (wrong := column != np.floor(column)).any():
                return wrong, f"an integer {before}"
            return np.abs(column) >= EXACT, f'text, or integers of 64 bits, that name groups in "{name}"'
        return np.zeros(1, bool), ""

    def _cell(self, field: str, columns: Columns) -> np.ndarray:
        """A field's part of a block."""
        if field == "x":
            return np.stack([_numbers(columns[each]) for each in self.numbers], axis=1)
        if field == "y" and len(self.roles.target) > 1:
            return np.stack([_numbers(columns[each]) for each in self.roles.target], axis=1)
        source = self.source(field)
        if source not in self.codes:
            return _numbers(columns[source])
        codes = self.codes[source]
        return np.array([codes.setdefault(each, len(codes)) if isinstance(each, str) else -1 for each in columns[source]], np.int32)


def _of_names(dtype: np.dtype) -> type:
    """What holds numbers that groups are called by, different ones apart."""
    return np.float64 if dtype.kind == "f" else np.uint64 if dtype == np.uint64 else np.int64


def _numbers(column: np.ndarray) -> np.ndarray:
    """A part of a column that is all empty may be text elsewhere."""
    return column.astype(np.float64) if column.dtype == object else column
