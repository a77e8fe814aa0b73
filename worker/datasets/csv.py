"""csv: a file with a headline, or a folder of them, read in blocks with pyarrow; rows go to a file that is mapped.

    path, inputs, target, weight, group, missing, split …: as for parquet
    delimiter   between columns; a tab is "\\t"
    on_bad      skip: rows with too few or too many columns are left out

What a column holds, integers, numbers or text, is told from the first mebibyte; where a later row disagrees, it is named.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bpcore.attributes import text
from bpcore.errors import InvalidInput, Problem
from worker.sources import arrow
from worker.sources.tables import Table


@dataclass(frozen=True)
class Csv(Table):
    delimiter: str = text(",")

    def blocks(self, root, left_out):
        library = arrow.library()
        for path in root.files(self.path, {".csv", ".tsv", ".gz"}):
            name, bad = root.name(path), []
            try:
                for batch in self._open(path, bad):
                    yield name, arrow.columns(batch, name)
            except (library.ArrowException, OSError, ValueError) as error:
                raise InvalidInput([Problem("path", _why(name, bad, error))]) from None
            left_out += [f"{name}, row {row.number - 1}" for row in bad]

    def _open(self, path: Path, bad: list) -> Any:
        """A reader of batches; `bad` gets the rows that have other columns than the headline."""
        from pyarrow import csv

        def note(row: Any) -> str:
            bad.append(row)
            return "skip" if self.on_bad == "skip" else "error"

        read = csv.ReadOptions(use_threads=False)
        parse = csv.ParseOptions(delimiter=self.delimiter, invalid_row_handler=note)
        with csv.open_csv(path, read, parse) as first:
            kinds = self._kinds([field.name for field in first.schema], [field.type for field in first.schema])
        bad.clear()
        return csv.open_csv(path, read, parse, csv.ConvertOptions(column_types=kinds, strings_can_be_null=True))

    def _kinds(self, columns: Sequence[str], found: Sequence[Any]) -> dict[str, Any]:
        """As what each column is read, of what was told from its beginning: an input that begins with integers may go on with other
        numbers; a class or a group's name is exact."""
        types, exact = arrow.library().types, {*self.target, self.group}
        return {name: "string" if i in self.texts or name in self.texts else "float64" if types.is_null(kind) or types.is_integer(kind) and name not in exact else kind
                for i, (name, kind) in enumerate(zip(columns, found))}


def _why(name: str, bad: list, error: Exception) -> str:
    if bad:
        return f"{name}, row {bad[-1].number - 1}: expected {bad[-1].expected_columns} columns, got {bad[-1].actual_columns}"
    if found := re.match(r"In CSV column #\d+: Row #(\d+): CSV conversion error to (\w+): (.*)", str(error)):
        return f"{name}, row {int(found[1]) - 1}: expected {found[2]} as in the rows before, but {found[3]}"
    return f'expected a readable CSV file, but "{name}" is not one: {str(error).splitlines()[0]}'
