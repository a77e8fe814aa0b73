"""Tables: rows that come in blocks, written once to a mapped file (packed.py) and read from there at random.

1. Numbers of the columns `inputs` stand side by side in x. A column of text is a field of its own name: integers, numbered
   by name from 1 on as the training part has them; 0 is text that it lacks. Held-out data, and what is predicted, is read by the names
   of the training data's columns, in whatever order and beside whatever others they stand.
2. A column of integers or text as the only target is a class, integers (); text that the training part lacks is refused.
3. An empty cell among the inputs, numbers or text, is as `missing` says; of a target, a weight or a group that divides it is refused.
4. A row is named by its file and its number in it, from 1 on, a headline not counted.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from bpcore.attributes import attribute, choice, names, text, unknown
from bpcore.errors import InvalidInput, Problem, expected, show
from bpcore.fields import Field
from worker.datasets import DataRoot, Dataset
from worker.sources.packed import GROUP, Columns, Packed, Roles
from worker.sources.split import Source

NUMBER = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*")
BLOCK = 1 << 14  # rows that are looked through at a time


def column_names() -> Any:
    """The attribute `target`."""

    def convert(value: Any) -> tuple[str, ...]:
        found = [value] if isinstance(value, str) else value
        if not isinstance(found, (list, tuple)) or not all(isinstance(each, str) and each for each in found):
            raise ValueError
        return tuple(found)

    return attribute("the name of a column, or a list of them", convert, ())


@dataclass(frozen=True)
class Table(Source):
    """The base of formats with rows and columns. `missing`: what happens to an empty cell among the inputs: it is refused,
    its row is left out, or it is the mean of the training part or 0; one of text is 0 then, as what the training part lacks.
    `texts`: columns, by name or place, that are text whatever they hold, where a file does not say. `advice`: what may be done."""

    path: str = text(wants="the path of a file or folder, relative to the data root")
    inputs: tuple[str, ...] = names(())
    target: tuple[str, ...] = column_names()
    weight: str = text("")
    group: str = text("")
    missing: str = choice("fail", "drop", "mean", "zero")
    texts: tuple[str | int, ...] = ()
    advice: str = "; say what to do: missing: drop, mean or zero"

    def blocks(self, root: DataRoot, left_out: list[str]) -> Iterator[tuple[str, Columns]]:
        """(name of the file, some rows of it); bad rows that are skipped go to `left_out`. Raises InvalidInput."""
        raise NotImplementedError

    def open_with(self, root: DataRoot, learned: Mapping[str, Any]) -> Dataset:
        left_out: list[str] = []
        table = replace(self, inputs=tuple(learned["inputs"]), texts=tuple(learned["texts"])) if learned else self
        return Rows(table, table.blocks(root, left_out), learned, left_out)

    def roles(self, known: Sequence[str], may_lack: bool) -> Roles:
        """Of these columns. Raises InvalidInput for columns that are not there; others than numbers of the inputs `may_lack`."""
        wanted = [name for name in self.inputs if not may_lack or name in known or name not in self.texts]
        others = (("target", self.target), ("weight", (self.weight,)), ("group", (self.group,)))
        problems = [Problem(field, unknown(name, known, "column")) for field, given in (("inputs", wanted), *others[:0 if may_lack else None])
                    for name in given if name and name not in known]
        if problems:
            raise InvalidInput(problems)
        target, (weight, group) = [name for name in self.target if name in known], (name if name in known else "" for name in (self.weight, self.group))
        return Roles(wanted or [name for name in known if name not in {*self.target, self.weight, self.group}], target, weight, group)


class Rows:
    """A Dataset."""

    is_on_disk = True

    def __init__(self, table: Table, blocks: Iterator[tuple[str, Columns]], learned: Mapping[str, Any], left_out: list[str]):
        self._table, self._packed = table, Packed(blocks, partial(table.roles, may_lack=bool(learned)))
        self.roles, self._codes, self._cells = self._packed.roles, self._packed.codes, self._packed.cells
        strange = [problem for name in self.roles.inputs if learned and (problem := self._other_kind(name, learned["texts"]))]
        if problems := strange or [problem for name in self._names() if (problem := self._missing(name))]:
            raise InvalidInput(problems)
        usable = self._usable()
        self.skipped = len(left_out) + len(self._cells) - len(usable)
        group = (lambda: self._groups(usable)) if self.roles.group else None
        classes = (lambda: self._cells["y"][usable]) if "y" in self._names() and self._cells.dtype["y"].kind == "i" else None
        self._rows = usable[table.rows(len(usable), group, classes)]
        self.learned = dict(learned) or self._learn()
        self._fill = np.array(self.learned["means"], np.float32) if table.missing == "mean" else np.float32(0)
        self._maps = {name: self._map(name) for name in self._texts()}
        self.fields = {name: self._field(name) for name in self._names()}

    def __len__(self) -> int:
        return len(self._rows)

    def read(self, indices):
        cells, source = self._cells[self._rows[indices]], self._packed.source
        batch = {name: self._maps[source(name)][cells[name]] if source(name) in self._maps else np.ascontiguousarray(cells[name])
                 for name in self.fields}
        if self._table.missing in ("mean", "zero") and "x" in batch:
            batch["x"] = np.where(np.isnan(batch["x"]), self._fill, batch["x"])
        return batch

    @property
    def inputs(self) -> list[str]:
        """The columns of x, in their order."""
        return self._packed.numbers

    @property
    def remark(self) -> str:
        """Which inputs are no numbers, and through which cell."""
        return "".join(self._text_cell(name) for name in self.roles.inputs if name in self._codes)

    def _other_kind(self, column: str, texts: Collection[str]) -> Problem | None:
        """Numbers where the training data has text, or the other way round. A column that is all empty is both."""
        if (column in self._codes) == (column in texts) or column in self._codes and not self._codes[column]:
            return None
        what, got = ("text", ", got numbers") if column in texts else ("numbers", self._text_cell(column))
        return Problem("inputs", f'expected {what} in "{column}", as the training data has there{got}')

    def _text_cell(self, column: str) -> str:
        """The first that is not a number."""
        texts = list(self._codes[column])
        code = next((code for code, text in enumerate(texts) if not NUMBER.fullmatch(text)), 0)
        return f'; "{column}" is text, as {show(texts[code])} in {self._packed.place(int(np.argmax(self._cells[column] == code)))}' if texts else ""

    def place_of(self, field: str, value: int) -> str:
        """The first row that holds a value of a field, as users call it."""
        cells, source = self._cells[field][self._rows], self._packed.source(field)
        return self._packed.place(int(self._rows[np.argmax((self._maps[source][cells] if source in self._maps else cells) == value)]))

    def segments(self) -> Iterator[slice]:
        """Rows of one file and one group, standing together."""
        return self._packed.segments()

    def _groups(self, rows: np.ndarray) -> np.ndarray:
        """Raises InvalidInput where a row has none."""
        groups = self._cells[GROUP][rows]
        bad = groups != groups if groups.dtype.kind == "f" else (groups < 0) & (self.roles.group in self._codes)
        if bad.any():
            raise InvalidInput([Problem("path", f'{self._packed.place(int(rows[np.argmax(bad)]))}: expected a group in "{self.roles.group}", '
                                        "but there is none; give it one, or leave the row out")])
        return groups

    def _names(self) -> list[str]:
        """Of the fields."""
        return [name for name in self._cells.dtype.names if name != GROUP]

    def _texts(self) -> list[str]:
        """Columns of text that are fields; of the group alone nothing is handed out."""
        return sorted(name for name in self._codes if name in {*self.roles.inputs, *self.roles.target})

    def _missing(self, name: str) -> Problem | None:
        """Unless all that a field needs is there, or what to do is said."""
        is_input = name not in ("y", "weight")
        for start in range(0, len(self._cells), BLOCK):
            bad = self._empty(name, slice(start, start + BLOCK), only_infinite=is_input and self._table.missing != "fail")
            if bad.any():
                row, column = np.argwhere(bad)[0]
                title = {"x": self.inputs, "y": self.roles.target, "weight": [self.roles.weight]}.get(name, [name])[column]
                what, advice = "text" if title in self._codes else "a finite number", self._table.advice * is_input
                return Problem("path", f'{self._packed.place(start + row)}: expected {what} in "{title}", but there is none{advice}')
        return None

    def _empty(self, name: str, rows: slice, only_infinite: bool = False) -> np.ndarray:
        """(rows, columns of the field): which cells hold nothing that can be learned from."""
        cells = self._cells[name][rows]
        cells = cells.reshape(len(cells), -1)
        if cells.dtype.kind == "f":
            return np.isinf(cells) if only_infinite else ~np.isfinite(cells)
        return (cells < 0) & (self._packed.source(name) in self._codes and not only_infinite)

    def _usable(self) -> np.ndarray:
        """Rows without the ones that are left out."""
        if self._table.missing != "drop":
            return np.arange(len(self._cells))
        inputs = [name for name in self._names() if name not in ("y", "weight")]
        blocks = [slice(start, start + BLOCK) for start in range(0, len(self._cells), BLOCK)]
        return np.concatenate([block.start + np.flatnonzero(~np.any([self._empty(name, block).any(axis=1) for name in inputs], axis=0))
                               for block in blocks])

    def _learn(self) -> dict[str, Any]:
        """Of the rows asked for: means, and the texts of each column. And which columns are read, in which order."""
        found: dict[str, Any] = {"inputs": list(self.roles.inputs), "texts": {name: self._known(name) for name in self._texts()}}
        if len(self.roles.target) == 1 and self.roles.target[0] in self._codes:
            found["classes"] = found["texts"][self.roles.target[0]]
        if self._table.missing == "mean" and "x" in self._cells.dtype.names:
            parts = [self._cells["x"][self._rows[start:start + BLOCK]].astype(np.float64) for start in range(0, len(self._rows), BLOCK)]
            sums, counts = (sum(np.nansum(part, axis=0) for part in parts), sum((~np.isnan(part)).sum(axis=0) for part in parts))
            found["means"] = (sums / np.maximum(counts, 1)).tolist()
        return found

    def _known(self, column: str) -> list[str]:
        names, field = list(self._codes[column]), "y" if column in self.roles.target else column
        return sorted(names[code] for code in np.unique(self._cells[field][self._rows]) if code >= 0)

    def _map(self, column: str) -> np.ndarray:
        """Number by order of appearance → number by name; the last one is that of an empty cell. Raises InvalidInput for a class
        that is not known."""
        known = {name: i for i, name in enumerate(self.learned["texts"][column])}
        if column not in self.roles.target:
            return np.array([known.get(name, -1) + 1 for name in (*self._codes[column], None)], np.int64)
        strange = [code for name, code in self._codes[column].items() if name not in known]
        bad = self._rows[np.isin(self._cells["y"][self._rows], strange)] if strange else ()
        if len(bad):
            name = list(self._codes[column])[self._cells["y"][bad[0]]]
            raise InvalidInput([Problem("path", f"{self._packed.place(bad[0])}: "
                                        + expected(f"a class of the training data ({', '.join(known)})", name))])
        return np.array([known.get(name, 0) for name in self._codes[column]], np.int64)

    def _field(self, name: str) -> Field:
        source, cells = self._packed.source(name), self._cells[name]
        if source in self._maps:
            return Field((), True, len(self.learned["texts"][source]) + (name != "y"), 0)
        if cells.dtype.kind == "f":
            return Field(cells.shape[1:])
        return Field((), True, int(cells[self._rows].max()) + 1, int(cells[self._rows].min()))
