"""ratings: triples of user, item and rating, in the first three columns of a CSV file; further columns are not looked at.

    path        a file, or a folder of them (.csv, .tsv, .gz), with a headline
    delimiter   between columns; a tab is "\\t"
    split, test_fraction, split_seed, on_bad: as everywhere (worker/sources/split.py)

Fields: user, item, integers (): numbered by name from 1 on as the training part has them, 0 is one that it lacks; y, (1,):
the rating. Names are text, also where they are numbers: as long as they like, and 7.0 is 7.
"""

import re
from dataclasses import dataclass

import numpy as np

from bpcore.attributes import text
from bpcore.errors import InvalidInput, Problem
from bpcore.fields import Field
from worker.datasets.csv import Csv as _Csv
from worker.sources.split import Source
from worker.sources.tables import Rows

WHOLE = re.compile(r"([-+]?\d+)\.0*")


@dataclass(frozen=True)
class Ratings(Source):
    path: str = text(wants="the path of a file or folder, relative to the data root")
    delimiter: str = text(",")

    def open_with(self, root, learned):
        common = {name: getattr(self, name) for name in ("path", "delimiter", "split", "test_fraction", "split_seed", "stratify", "on_bad", "of_fold")}
        table, left_out = _Csv(**common, texts=(0, 1), inputs=("user", "item"), target=("rating",), advice=""), []
        return Triples(table, map(_triple, table.blocks(root, left_out)), learned, left_out)


class Triples(Rows):
    """The same with the rating as a vector of one."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.fields["y"] = Field((1,))

    def read(self, indices):
        batch = super().read(indices)
        return batch | {"y": batch["y"][:, None].astype(np.float32)}


def _triple(block):
    """The first three columns by what they are."""
    file, columns = block
    if len(columns) < 3:
        raise InvalidInput([Problem("path", f"{file}: expected columns for user, item and rating, got {', '.join(columns)}")])
    user, item, rating = list(columns.values())[:3]
    if rating.dtype == object:
        raise InvalidInput([Problem("path", f"{file}: expected numbers in the third column, the rating, got text")])
    return file, {"user": _named(user), "item": _named(item), "rating": rating.astype(np.float64)}


def _named(column: np.ndarray) -> np.ndarray:
    """7.0 as 7, as tables write integers beside an empty cell; None where there is none."""
    return np.array([each and WHOLE.sub(r"\1", each.strip()) or None for each in column], object)
