"""relu, also behind a sum, and its gradient against plain NumPy: the same bits, also in place."""

import numpy as np
import pytest

from bpcore.kernels import rectification

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])
COUNTS = pytest.mark.parametrize("count", [0, 1, 15, 1024, 5000])


def drawn(count, dtype):
    return np.random.default_rng(count).standard_normal((2, count)).astype(dtype)


@DTYPES
@COUNTS
@pytest.mark.parametrize("place", ["beside", "over the first", "over the second"])
def test_a_sum_is_rectified(count, dtype, place):
    a, b = drawn(count, dtype)
    wanted, y = np.maximum(a + b, 0), {"beside": np.empty(count, dtype), "over the first": a, "over the second": b}[place]
    rectification.ADD.over(a, b, y)()
    assert y.tobytes() == wanted.tobytes()


@DTYPES
@COUNTS
@pytest.mark.parametrize("in_place", [False, True])
def test_the_gradient_stops_where_nothing_came_through(count, dtype, in_place):
    y, dy = drawn(count, dtype)
    y[::3] = 0
    wanted, dx = np.where(y > 0, dy, 0), dy if in_place else np.empty(count, dtype)
    rectification.GRADIENT.over(dy, y, dx)()
    assert dx.tobytes() == wanted.tobytes()


@DTYPES
@COUNTS
@pytest.mark.parametrize("in_place", [False, True])
def test_what_is_above_zero_comes_through(count, dtype, in_place):
    x, y = drawn(count, dtype)
    wanted, y = np.maximum(x, 0), x if in_place else y
    rectification.RELU.over(x, y)()
    assert y.tobytes() == wanted.tobytes()


def test_a_number_that_is_none_is_handed_on():
    y, x = np.empty(3), np.array([np.nan, 1, -1])
    for call in (rectification.ADD.over(x, np.zeros(3), y), rectification.RELU.over(x, y)):
        call()
        assert np.array_equal(y, [np.nan, 1, 0], equal_nan=True)
