"""Tables: rows that come in blocks, written once to a mapped file (spool.py) and read from there at random.

1. Numbers of the columns `inputs` stand side by side in x. A column of text is a field of its own name: integers, numbered
   by name from 1 on as the training part has them; 0 is text that it lacks.
2. A column of integers or text as the only target is a class, integers (); text that the training part lacks is refused.
3. A row is named by its file and its number in it, from 1 on, a headline not counted.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from bpcore.attributes import attribute, choice, names, text, unknown
from bpcore.errors import InvalidInput, Problem, expected
from bpcore.fields import Field
from worker.datasets import DataRoot, Dataset
from worker.sources.split import Source
from worker.sources.spool import spooled

BLOCK = 1 << 14  # rows that are looked through at a time
OWN = ("x", "y", "weight")  # fields; a column of text among the inputs has another name
GROUP = "(group)"  # no field, and hardly the name of a column
Columns = Mapping[str, np.ndarray]  # name → numbers, or objects that are text; None or NaN is missing


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
    its row is left out, or it is the mean of the training part or 0."""

    path: str = text(wants="the path of a file or folder, relative to the data root")
    inputs: tuple[str, ...] = names(())
    target: tuple[str, ...] = column_names()
    weight: str = text("")
    group: str = text("")
    missing: str = choice("fail", "drop", "mean", "zero")

    def blocks(self, root: DataRoot, left_out: list[str]) -> Iterator[tuple[str, Columns]]:
        """(name of the file, some rows of it); bad rows that are skipped go to `left_out`. Raises InvalidInput."""
        raise NotImplementedError

    def open_with(self, root: DataRoot, learned: Mapping[str, Any]) -> Dataset:
        left_out: list[str] = []
        return Rows(self, self.blocks(root, left_out), learned, left_out)

    def columns(self, known: Sequence[str], may_lack: bool) -> tuple[str, ...]:
        """The inputs. Raises InvalidInput for columns that are not there; others than inputs `may_lack`."""
        others = (("target", self.target), ("weight", (self.weight,)), ("group", (self.group,)))
        problems = [Problem(field, unknown(name, known, "column")) for field, given in (("inputs", self.inputs), *others[:0 if may_lack else None])
                    for name in given if name and name not in known]
        if problems:
            raise InvalidInput(problems)
        return self.inputs or tuple(name for name in known if name not in {*self.target, self.weight, self.group})


class Rows:
    """A Dataset."""

    is_on_disk = True

    def __init__(self, table: Table, blocks: Iterator[tuple[str, Columns]], learned: Mapping[str, Any], left_out: list[str]):
        self._table, self._codes, self._files, self._given = table, {}, [], dict(learned)
        self._cells, _ = spooled(self._packed(blocks))
        self.skipped = len(left_out)
        if not len(self._cells):
            raise InvalidInput([Problem("path", "expected at least one row, but there is none")])
        self._numbers = [name for name in self._inputs if name not in self._codes]
        problems = [problem for name in ("x", "y", "weight") if name in self._cells.dtype.names and (problem := self._missing(name))]
        if problems:
            raise InvalidInput(problems)
        usable = self._usable()
        group = (lambda: self._cells[GROUP][usable]) if self._group else None
        self._rows = usable[table.rows(len(usable), group)]
        self.learned = dict(learned) or self._learn()
        self._fill = np.array(self.learned["means"], np.float32) if table.missing == "mean" else np.float32(0)
        self._maps = {name: self._map(name) for name in self._texts()}
        self.fields = {name: self._field(name) for name in self._cells.dtype.names if name != GROUP}

    def __len__(self) -> int:
        return len(self._rows)

    def read(self, indices):
        cells = self._cells[self._rows[indices]]
        batch = {name: self._maps[self._source(name)][cells[name]] if self._source(name) in self._maps
                 else np.ascontiguousarray(cells[name]) for name in self.fields}
        if self._table.missing in ("mean", "zero") and "x" in batch:
            batch["x"] = np.where(np.isnan(batch["x"]), self._fill, batch["x"])
        return batch

    @property
    def inputs(self) -> list[str]:
        """The columns of x, in their order."""
        return self._numbers

    def segments(self) -> Iterator[slice]:
        """Rows of one file and one group, standing together."""
        starts = [first for first, _ in self._files]
        if self._group:
            starts += (np.flatnonzero(np.diff(self._cells[GROUP])) + 1).tolist()
        cuts = sorted({*starts, len(self._cells)})
        yield from (slice(*pair) for pair in pairwise(cuts))

    def _packed(self, blocks: Iterable[tuple[str, Columns]]) -> Iterator[np.ndarray]:
        """Blocks as rows of one structured dtype."""
        count = 0
        for file, columns in blocks:
            if not self._files:
                self._inputs = self._table.columns(list(columns), may_lack=bool(self._given))
                self._target = [name for name in self._table.target if name in columns]
                self._weight, self._group = (name if name in columns else "" for name in (self._table.weight, self._table.group))
                is_text = {name for name, column in columns.items() if column.dtype == object}
                self._codes = {name: {} for name in is_text if name in {*self._inputs, *self._target, self._weight, self._group}}
                if problems := self._text_problems():
                    raise InvalidInput(problems)
                dtype = self._dtype(columns)
            if not self._files or self._files[-1][1] != file:
                self._files.append((count, file))
            block = np.zeros(len(next(iter(columns.values()))), dtype)
            for name in dtype.names:
                block[name] = self._cell(name, columns)
            count += len(block)
            yield block

    def _text_problems(self) -> list[Problem]:
        """Of columns that hold text where they may not."""
        found = [Problem("inputs", f'expected another name for the column of text "{name}", as a field is called so; rename it')
                 for name in self._inputs if name in self._codes and name in OWN]
        found += [Problem("target", f'expected numbers in several targets, but "{name}" is text; give one target for a class')
                  for name in self._target if name in self._codes and len(self._target) > 1]
        return found + [Problem("weight", f'expected numbers, but "{name}" is text') for name in (self._weight,) if name in self._codes]

    def _texts(self) -> list[str]:
        """Columns of text that are fields; of the group alone nothing is handed out."""
        return sorted(name for name in self._codes if name in {*self._inputs, *self._target})

    def _dtype(self, columns: Columns) -> np.dtype:
        numbers = [name for name in self._inputs if name not in self._codes]
        kinds: list[tuple] = [("x", np.float32, (len(numbers),))] if numbers else []
        kinds += [(name, np.int32) for name in self._inputs if name in self._codes]
        target = self._target
        if len(target) == 1:
            only = columns[target[0]].dtype
            kinds.append(("y", np.int32 if target[0] in self._codes else np.int64 if only.kind in "iub" else np.float32))
        elif target:
            kinds.append(("y", np.float32, (len(target),)))
        kinds += [("weight", np.float32)] if self._weight else []
        return np.dtype(kinds + ([(GROUP, np.int32 if self._group in self._codes else np.float64)] if self._group else []))

    def _cell(self, name: str, columns: Columns) -> np.ndarray:
        """A field's part of a block."""
        if name == "x":
            return np.stack([columns[each] for each in self._inputs if each not in self._codes], axis=1)
        if name == "y" and len(self._target) > 1:
            return np.stack([columns[each] for each in self._target], axis=1)
        source = self._source(name)
        if source not in self._codes:
            return columns[source]
        codes = self._codes[source]
        return np.array([codes.setdefault("" if each is None else str(each), len(codes)) for each in columns[source]], np.int32)

    def _source(self, name: str) -> str:
        """The column that a field is made of, where it is one."""
        if name == "y":
            return self._target[0]
        return {"weight": self._weight, GROUP: self._group}.get(name, name)

    def _missing(self, name: str) -> Problem | None:
        """Unless every number is there, or what to do is said."""
        if self._cells[name].dtype.kind != "f" or name == "x" and self._table.missing != "fail":
            return None
        for start in range(0, len(self._cells), BLOCK):
            bad = ~np.isfinite(self._cells[name][start:start + BLOCK].reshape(len(self._cells[start:start + BLOCK]), -1))
            if bad.any():
                row, column = np.argwhere(bad)[0]
                title = {"x": self._numbers, "y": self._target, "weight": [self._weight]}[name][column]
                advice = "; say what to do: missing: drop, mean or zero" if name == "x" else ""
                return Problem("path", f'{self.place(start + row)}: expected a finite number in "{title}", but there is none{advice}')
        return None

    def _usable(self) -> np.ndarray:
        """Rows without the ones that are left out."""
        if self._table.missing != "drop" or "x" not in self._cells.dtype.names:
            return np.arange(len(self._cells))
        parts = (start + np.flatnonzero(np.isfinite(self._cells["x"][start:start + BLOCK]).all(axis=1))
                 for start in range(0, len(self._cells), BLOCK))
        return np.concatenate(list(parts))

    def place(self, row: int) -> str:
        """How to call a row before users."""
        first, file = self._files[bisect_right(self._files, row, key=lambda each: each[0]) - 1]
        return f"{file}, row {row - first + 1}"

    def _learn(self) -> dict[str, Any]:
        """Of the rows asked for: means, and the texts of each column."""
        found: dict[str, Any] = {"texts": {name: self._names(name) for name in self._texts()}}
        if len(self._target) == 1 and self._target[0] in self._codes:
            found["classes"] = found["texts"][self._target[0]]
        if self._table.missing == "mean" and "x" in self._cells.dtype.names:
            parts = [self._cells["x"][self._rows[start:start + BLOCK]].astype(np.float64) for start in range(0, len(self._rows), BLOCK)]
            sums, counts = (sum(np.nansum(part, axis=0) for part in parts), sum((~np.isnan(part)).sum(axis=0) for part in parts))
            found["means"] = (sums / np.maximum(counts, 1)).tolist()
        return found

    def _names(self, column: str) -> list[str]:
        names = list(self._codes[column])
        return sorted(names[code] for code in np.unique(self._cells[self._field_of(column)][self._rows]))

    def _field_of(self, column: str) -> str:
        return "y" if column in self._target else column

    def _map(self, column: str) -> np.ndarray:
        """Number by order of appearance → number by name. Raises InvalidInput for a class that is not known."""
        known = {name: i for i, name in enumerate(self.learned["texts"][column])}
        if column not in self._target:
            return np.array([known.get(name, -1) + 1 for name in self._codes[column]], np.int64)
        strange = [code for name, code in self._codes[column].items() if name not in known]
        bad = self._rows[np.isin(self._cells["y"][self._rows], strange)] if strange else ()
        if len(bad):
            name = list(self._codes[column])[self._cells["y"][bad[0]]]
            raise InvalidInput([Problem("path", f"{self.place(bad[0])}: "
                                        + expected(f"a class of the training data ({', '.join(known)})", name))])
        return np.array([known.get(name, 0) for name in self._codes[column]], np.int64)

    def _field(self, name: str) -> Field:
        source = self._source(name)
        if source in self._maps:
            return Field((), True, len(self.learned["texts"][source]) + (name != "y"), 0)
        cells = self._cells[name]
        if cells.dtype.kind == "f":
            return Field(cells.shape[1:])
        return Field((), True, int(cells[self._rows].max()) + 1, int(cells[self._rows].min()))
