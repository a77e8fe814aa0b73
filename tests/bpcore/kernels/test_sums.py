"""Sums over rows against NumPy's: the same bits."""

import numpy as np
import pytest

from bpcore.kernels import sums


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rows", [0, 1, 9, 64, 1000])
@pytest.mark.parametrize("columns", [2, 7, 16, 33, 1000])
def test_rows_are_added_one_after_the_other(rows, columns, dtype):
    drawn = np.random.default_rng(rows + columns).standard_normal((rows, columns)).astype(dtype)
    total = np.full(columns, np.nan, dtype)
    sums.columns(drawn, total)
    assert total.tobytes() == np.add.reduce(drawn, 0).tobytes()
