"""jsonl: a line of JSON a sample, an object whose keys are fields; rows go to a file that is mapped.

    path      a file, or a folder of files that end in .jsonl
    fields    keys that are read; left out: those of the first line
    split, test_fraction, split_seed, stratify: as everywhere (worker/sources/split.py)
    on_bad    skip: lines that are not as the first one is are left out

A number is an integer (label) where the first line has one; lists, also of lists, are numbers, of one shape in all lines;
text is a class, numbered by name as the training part has it. Held-out data, and what is predicted, is as the training data was;
what the first line lacks of that (answers), all may lack.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bpcore.attributes import names, text
from bpcore.errors import InvalidInput, Problem, expected
from bpcore.fields import Field
from worker.datasets import Arrays, DataRoot
from worker.sources.split import Source
from worker.sources.spool import spooled


@dataclass(frozen=True)
class Jsonl(Source):
    path: str = text(wants="the path of a file or folder, relative to the data root")
    fields: tuple[str, ...] = names(())

    def open_with(self, root, learned):
        places: list[str] = []
        left_out: list[str] = []
        texts: dict[str, dict[str, int]] = {}
        cells, _ = spooled(self._packed(root, places, left_out, texts, learned.get("fields", {})))
        if not len(cells):
            raise InvalidInput([Problem("path", "expected at least one line, but there is none")])
        rows = self.rows(len(cells), classes=(lambda: cells["y"]) if _is_class(cells.dtype) else None)
        learned = dict(learned) or {
            "fields": {name: [cells.dtype[name].base.str, list(cells.dtype[name].shape), name in texts] for name in cells.dtype.names},
            "texts": {name: sorted(np.array(list(codes))[np.unique(cells[name][rows])].tolist()) for name, codes in texts.items()}}
        arrays = {name: _renumbered(name, cells[name][rows], texts[name], learned["texts"].get(name, ())) if name in texts else cells[name]
                  for name in cells.dtype.names}
        whole = {name: array for name, array in arrays.items() if name not in texts}
        return Objects(whole, {name: arrays[name] for name in texts}, rows, learned, len(left_out))

    def _packed(self, root: DataRoot, places: list[str], left_out: list[str], texts: dict[str, dict[str, int]],
                known: Mapping[str, Any]) -> Iterator[np.ndarray]:
        """`known`: fields of the training data."""
        dtype: np.dtype | None = None
        for path in root.files(self.path, {".jsonl", ".json"}):
            with open(path, encoding="utf-8", errors="replace") as file:
                for number, line in enumerate(file, 1):
                    place = f"{root.name(path)}, line {number}"
                    try:
                        values = _object(line)
                        dtype = dtype or (_known_dtype(values, known, texts) if known else _dtype(values, self.fields, texts))
                        yield _row(values, dtype, texts)
                    except ValueError as error:
                        if dtype is None or self.on_bad == "fail":
                            raise InvalidInput([Problem("path", f"{place}: {error}")]) from None
                        left_out.append(place)


class Objects(Arrays):
    """Rows of arrays on disk, and classes in memory."""

    def __init__(self, arrays: Mapping[str, np.ndarray], classes: Mapping[str, np.ndarray], rows: np.ndarray, learned: Mapping[str, Any],
                 skipped: int):
        super().__init__({name: array if len(rows) == len(array) else array[rows] for name, array in arrays.items()} | dict(classes),
                         is_on_disk=True)
        self.learned, self.skipped = learned, skipped
        self.fields |= {name: Field((), True, len(learned["texts"][name]), 0) for name in classes}


def _object(line: str) -> dict[str, Any]:
    """Raises ValueError."""
    try:
        values = json.loads(line.strip())
    except json.JSONDecodeError as error:
        raise ValueError(f"expected JSON, but {error.msg} at {error.pos + 1}") from None
    if not isinstance(values, dict):
        raise ValueError(expected("an object with keys", values))
    return values


def _dtype(values: Mapping[str, Any], fields: tuple[str, ...], texts: dict[str, dict[str, int]]) -> np.dtype:
    """Of a row, from the first line; `texts` gets the fields that are text."""
    kinds: list[tuple] = []
    for name in fields or values:
        value = values.get(name)
        if isinstance(value, str):
            texts[name] = {}
        array = _array(0 if isinstance(value, str) else np.nan if value is None else value)
        if array.dtype.kind not in "biuf":
            raise ValueError(f'expected a number, text or a list of numbers in "{name}"')
        kinds.append((name, np.float32 if array.dtype.kind == "f" or array.ndim and array.dtype.kind == "b" else np.int64, array.shape))
    return np.dtype(kinds)


def _known_dtype(values: Mapping[str, Any], known: Mapping[str, Any], texts: dict[str, dict[str, int]]) -> np.dtype:
    """The same, as the training data has it; without what the first line lacks."""
    if not values.keys() & known.keys():
        raise ValueError(expected(f"some of {', '.join(known)}, as the training data has them", ", ".join(values)))
    texts |= {name: {} for name, (_, _, is_text) in known.items() if is_text and name in values}
    return np.dtype([(name, kind, tuple(shape)) for name, (kind, shape, _) in known.items() if name in values])


def _is_class(dtype: np.dtype) -> bool:
    """Whether y is one."""
    return "y" in dtype.names and dtype["y"] == np.int64


def _row(values: Mapping[str, Any], dtype: np.dtype, texts: dict[str, dict[str, int]]) -> np.ndarray:
    row = np.zeros(1, dtype)
    for name in dtype.names:
        if name not in values:
            raise ValueError(f'expected "{name}", as the first line has it, but it is missing')
        kind, shape = dtype[name].base, dtype[name].shape
        array = _array(texts[name].setdefault(values[name], len(texts[name])) if name in texts and isinstance(values[name], str)
                       else None if name in texts else values[name])
        if array.dtype == np.uint64:
            raise ValueError(f'"{name}": ' + expected("integers below 2⁶³", values[name], "write longer ones as text"))
        if array.dtype.kind not in ("biu" if kind.kind == "i" else "biuf") or array.shape != shape or not np.isfinite(array).all():
            raise ValueError(f'"{name}": ' + expected(_described(name in texts, kind, shape) + ", as in the first line", values[name]))
        row[name] = array
    return row


def _array(value: Any) -> np.ndarray:
    """Of objects where it is no array."""
    try:
        return np.array(value)
    except ValueError:  # lists of unequal length
        return np.array(None)


def _described(is_text: bool, kind: np.dtype, shape: tuple[int, ...]) -> str:
    one, many = ("an integer", "integers") if kind.kind == "i" else ("a number", "numbers")
    return "text" if is_text else f"{many} {list(shape)}" if shape else one


def _renumbered(name: str, codes: np.ndarray, texts: Mapping[str, int], known: list[str]) -> np.ndarray:
    """Number by order of appearance → by name. Raises InvalidInput for one that is not known."""
    numbers = {each: i for i, each in enumerate(known)}
    found = np.array([numbers.get(each, -1) for each in texts])[codes]
    if (found < 0).any():
        strange = list(texts)[codes[np.argmax(found < 0)]]
        raise InvalidInput([Problem("path", f'"{name}": ' + expected(f"classes of the training data ({', '.join(known)})", strange))])
    return found
