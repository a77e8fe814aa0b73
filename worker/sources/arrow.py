"""Rows of pyarrow's, as NumPy's columns."""

from typing import Any

import numpy as np

from bpcore.errors import InvalidInput, Problem
from worker.sources.packed import Columns


def columns(batch: Any) -> Columns:
    """Of a RecordBatch: integers and floats, a missing one as NaN; text as objects, a missing one as None."""
    return {name: _array(name, column) for name, column in zip(batch.schema.names, batch.columns)}


def _array(name: str, column: Any) -> np.ndarray:
    types = library().types
    if types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if types.is_integer(column.type) or types.is_floating(column.type) or types.is_boolean(column.type):
        if column.null_count or types.is_floating(column.type):
            return column.cast("float64").to_numpy(zero_copy_only=False)
        return column.to_numpy(zero_copy_only=False)
    if types.is_null(column.type):
        return np.full(len(column), np.nan)
    if types.is_string(column.type) or types.is_large_string(column.type):
        return column.to_numpy(zero_copy_only=False).astype(object)
    raise InvalidInput([Problem("path", f'expected numbers or text in the column "{name}", got {column.type}')])


def library() -> Any:
    """pyarrow. Raises InvalidInput where it is not there."""
    try:
        import pyarrow
    except ImportError:
        raise InvalidInput([Problem("", "expected pyarrow to be installed: pip install 'bptrain[tables]'")]) from None
    return pyarrow
