"""Sums against NumPy's."""

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


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("rows", "columns"), [(0, 3), (1, 1), (9, 33), (64, 1000)])
def test_rectified_rows_are_added_likewise(rows, columns, dtype):
    random = np.random.default_rng(rows)
    dy, y = random.standard_normal((2, rows, columns)).astype(dtype)
    wanted, total = np.where(y > 0, dy, 0), np.full(columns, np.nan, dtype)
    sums.rectified_columns(dy, y, total)
    assert dy.tobytes() == wanted.tobytes()
    np.testing.assert_allclose(total, wanted.sum(0, np.float64), rtol=0, atol=1e-5 if dtype == np.float32 else 1e-13)
