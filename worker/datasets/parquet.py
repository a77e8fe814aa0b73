"""parquet: a file, or a folder of them, read row group by row group with pyarrow; rows go to a file that is mapped.

    path      a file, or a folder of files that end in .parquet
    inputs    columns that are read; left out: all but the others named
    target    the column that is y, or a list of them
    weight    the column that says how much a row counts: the field weight
    group     the column whose equal values stay on one side of a split
    missing   fail, drop (the row), mean (of the training part) or zero: an empty cell among the inputs
    split, test_fraction, split_seed, stratify: as everywhere (worker/sources/split.py)

Fields: x, the columns of numbers side by side; a field for each column of text; y; weight (worker/sources/tables.py).
"""

from dataclasses import dataclass

from bpcore.errors import InvalidInput, Problem
from worker.sources import arrow
from worker.sources.tables import Table


@dataclass(frozen=True)
class Parquet(Table):
    def blocks(self, root, left_out):
        library = arrow.library()
        from pyarrow import parquet

        for path in root.files(self.path, {".parquet"}):
            name = root.name(path)
            try:
                with parquet.ParquetFile(path) as file:
                    for batch in file.iter_batches():
                        yield name, arrow.columns(batch, name)
            except (library.ArrowException, OSError, ValueError):
                raise InvalidInput([Problem("path", f'expected a readable Parquet file, but "{name}" is not one')]) from None
