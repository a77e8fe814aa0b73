"""windows: sliding windows over a time series, rows of CSV or Parquet files in their order.

    path      a file, or a folder of them: .csv, .tsv, .gz or .parquet; a window is never across two files
    inputs    columns of x; left out: all columns of numbers but series
    target    columns of y; left out: those of x
    length    rows in x
    horizon   rows in y, right behind x
    stride    rows from one window to the next
    series    the column whose change begins another series: windows are never across two
    missing   fail, or zero: an empty cell
    split, test_fraction: as everywhere, but in the order of time: test is the last part of each series, a job's fold is a
    piece of it, and no window is across a border

Fields: x, (length, inputs); y, (targets,) where the horizon is 1, else (horizon, targets).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bpcore.attributes import choice, integer, names, text
from bpcore.errors import InvalidInput, Problem, expected
from bpcore.fields import Field
from worker.datasets.csv import Csv as _Csv
from worker.datasets.parquet import Parquet as _Parquet
from worker.sources.split import Source
from worker.sources.tables import Rows, Table, column_names


@dataclass(frozen=True)
class Windows(Source):
    path: str = text(wants="the path of a file or folder, relative to the data root")
    length: int = integer(minimum=1)
    inputs: tuple[str, ...] = names(())
    target: tuple[str, ...] = column_names()
    horizon: int = integer(1, minimum=1)
    stride: int = integer(1, minimum=1)
    series: str = text("")
    missing: str = choice("fail", "zero")

    def open_with(self, root, learned):
        if self.stratify:
            raise InvalidInput([Problem("stratify", "expected none, as windows are split in the order of time; leave it out")])
        is_parquet = root.files(self.path, {".parquet", ".csv", ".tsv", ".gz"})[0].suffix == ".parquet"
        columns = tuple(dict.fromkeys((*self.inputs, *self.target))) if self.inputs else ()
        table: Table = (_Parquet if is_parquet else _Csv)(path=self.path, inputs=columns, group=self.series, missing=self.missing,
                                                         advice="; say what to do: missing: zero")
        left_out: list[str] = []
        return Slid(self, Rows(table, table.blocks(root, left_out), {}, left_out))

    def parts(self, segment: slice) -> Iterator[slice]:
        """Of one series, in one piece each, those that are asked for."""
        border = segment.stop - round((segment.stop - segment.start) * self.test_fraction)
        asked = {"all": segment, "train": slice(segment.start, border), "test": slice(border, segment.stop)}[self.split]
        yield from self.of_fold.pieces(asked) if self.of_fold else [asked]


class Slid:
    """A Dataset: windows over rows."""

    is_on_disk = True
    learned: dict = {}

    def __init__(self, asked: Windows, rows: Rows):
        self._rows, self._length, self.skipped = rows, asked.length, rows.skipped
        self._span = np.arange(asked.length + asked.horizon)
        known = rows.inputs
        text = [(field, name) for field, given in (("inputs", asked.inputs), ("target", asked.target)) for name in given if name not in known]
        if text:
            raise InvalidInput([Problem(field, f'expected columns of numbers, but "{name}" is text') for field, name in text])
        self._inputs = [known.index(name) for name in asked.inputs or known]
        self._targets = [known.index(name) for name in asked.target or asked.inputs or known]
        pieces = [piece for segment in rows.segments() for piece in asked.parts(segment)]
        self._starts = np.concatenate([np.arange(piece.start, piece.stop - len(self._span) + 1, asked.stride) for piece in pieces])
        if not len(self._starts):
            longest = max(piece.stop - piece.start for piece in pieces)
            raise InvalidInput([Problem("length", expected(f"windows that fit into the longest series, {longest} rows",
                                                           f"{asked.length} rows and {asked.horizon} behind them"))])
        self._y = (len(self._targets),) if asked.horizon == 1 else (asked.horizon, len(self._targets))
        self.fields = {"x": Field((asked.length, len(self._inputs))), "y": Field(self._y)}

    def __len__(self) -> int:
        return len(self._starts)

    def read(self, indices):
        found = self._rows.read((self._starts[indices][:, None] + self._span).ravel())["x"]
        found = found.reshape(len(indices), len(self._span), len(self._rows.inputs))
        return {"x": np.ascontiguousarray(found[:, :self._length, self._inputs]),
                "y": np.ascontiguousarray(found[:, self._length:, self._targets]).reshape(len(indices), *self._y)}
