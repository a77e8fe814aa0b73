"""Rows of pyarrow's, as NumPy's columns."""

from typing import Any

import numpy as np

from bpcore.errors import InvalidInput, Problem
from worker.sources.packed import Columns


def columns(batch: Any, file: str) -> Columns:
    """Of a RecordBatch: integers and floats, a missing one as NaN; text as objects, a missing one as None. Raises InvalidInput,
    naming the file."""
    names = batch.schema.names
    if twice := [name for name in names if names.count(name) > 1]:
        raise InvalidInput([Problem("path", f'{file}: expected each column once, but there are {names.count(twice[0])} of the name "{twice[0]}"')])
    return {name: _array(name, column, file) for name, column in zip(names, batch.columns)}


def _array(name: str, column: Any, file: str) -> np.ndarray:
    types = library().types
    if types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if types.is_integer(column.type) or types.is_floating(column.type) or types.is_boolean(column.type):
        if column.null_count or types.is_floating(column.type):
            return column.cast("float64", safe=False).to_numpy(zero_copy_only=False)
        return column.to_numpy(zero_copy_only=False)
    if types.is_null(column.type):
        return np.full(len(column), np.nan)
    if types.is_string(column.type) or types.is_large_string(column.type):
        return column.to_numpy(zero_copy_only=False).astype(object)
    what = "bytes that are no text in UTF-8" if types.is_binary(column.type) else str(column.type)
    raise InvalidInput([Problem("path", f'{file}: expected numbers or text in the column "{name}", got {what}')])


def library() -> Any:
    """pyarrow. Raises InvalidInput where it is not there."""
    try:
        import pyarrow
    except ImportError:
        raise InvalidInput([Problem("", "expected pyarrow to be installed: pip install 'bptrain[tables]'")]) from None
    return pyarrow
