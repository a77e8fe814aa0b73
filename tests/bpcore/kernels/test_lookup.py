"""The gradient of rows that were looked up against NumPy's, which adds in the same order: the same bits."""

import numpy as np
import pytest

from bpcore.kernels import lookup


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("entries", "count", "units"), [(1, 1, 1), (5, 300, 3), (50, 40, 33), (4, 0, 2)])
def test_rows_are_added_where_they_came_from(entries, count, units, dtype):
    random = np.random.default_rng(units)
    indices, rows = random.integers(0, entries, count), random.standard_normal((count, units)).astype(dtype)
    table, wanted = np.ones((entries, units), dtype), np.ones((entries, units), dtype)
    lookup.add_rows(table, indices, rows)
    np.add.at(wanted, indices, rows)
    assert table.tobytes() == wanted.tobytes()
