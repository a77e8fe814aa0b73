"""batch_norm's passes against plain NumPy in float64."""

import numpy as np
import pytest

from bpcore.kernels import batch_norm

TOLERANCE = {np.float64: 1e-12, np.float32: 2e-6}
SHAPES = pytest.mark.parametrize("shape", [(1, 1), (7, 1), (1, 5), (600, 3), (5000, 16), (333, 700), (40000, 2)], ids=str)
DTYPES = pytest.mark.parametrize("dtype", TOLERANCE, ids=["float64", "float32"])
RECTIFIED = pytest.mark.parametrize("rectified", [False, True], ids=["", "rectified"])


def drawn(shape, dtype):
    """x and dy (rows, channels); μ, γ / σ and β."""
    random, channels = np.random.default_rng(shape[0]), shape[1]
    rows = [random.standard_normal(shape) * 3 + 2, random.standard_normal(shape)]
    each = [rows[0].mean(axis=0), random.standard_normal(channels), random.standard_normal(channels)]
    return [array.astype(np.float32).astype(dtype) for array in (*rows, *each)]


def assert_close(ours, wanted, dtype):
    np.testing.assert_allclose(ours, wanted, rtol=0, atol=TOLERANCE[dtype] * max(1, np.max(np.abs(wanted))))


@DTYPES
@SHAPES
def test_the_moments_are_numpys(shape, dtype):
    x, *_ = drawn(shape, dtype)
    mean, squares = np.full(shape[1], np.nan), np.full(shape[1], np.nan)
    batch_norm.moments(x.ravel(), mean, squares)
    exact = x.astype(np.float64)
    assert_close(mean, exact.mean(axis=0), dtype)
    assert_close(squares, exact.var(axis=0) * shape[0], dtype)


@pytest.mark.parametrize("where", [0, 1234, 59_999])
def test_one_value_far_away_leaves_the_others_their_digits(where):
    """60,000 values around 0 and one of 10,000: a single sum of squares about any of them would lose the rest."""
    x = np.random.default_rng(0).standard_normal((60_000, 1)).astype(np.float32)
    x[where] = 1e4
    mean, squares = np.empty(1), np.empty(1)
    batch_norm.moments(x.ravel(), mean, squares)
    exact = x.astype(np.float64)
    np.testing.assert_allclose([mean, squares], [exact.mean(axis=0), exact.var(axis=0) * len(x)], rtol=1e-6)


@DTYPES
@RECTIFIED
@SHAPES
def test_each_pass_is_its_twin(shape, rectified, dtype):
    arrays = drawn(shape, dtype)
    x, dy, mean, scale, shift = arrays
    level, slope = drawn((3, shape[1]), dtype)[0][:2]
    y, dx, total, product = np.full(x.size, np.nan, dtype), np.full(x.size, np.nan, dtype), np.empty(shape[1]), np.empty(shape[1])
    batch_norm.normalize(x.ravel(), mean, scale, shift, rectified, y)
    batch_norm.gradient_sums(dy.ravel(), x.ravel(), mean, scale, shift, rectified, total, product)
    batch_norm.gradient(dy.ravel(), x.ravel(), mean, scale, shift, rectified, level, slope, dx)
    alive = y.reshape(shape) > 0 if rectified else True
    x, dy, mean, scale, shift, level, slope = (array.astype(np.float64) for array in (*arrays, level, slope))
    plain = (x - mean) * scale + shift
    assert_close(y.reshape(shape), np.maximum(plain, 0) if rectified else plain, dtype)
    assert_close(total, (dy * alive).sum(axis=0), dtype)
    assert_close(product, (dy * alive * (x - mean)).sum(axis=0), dtype)
    assert_close(dx.reshape(shape), (dy * alive - level - (x - mean) * slope) * scale, dtype)


@RECTIFIED
def test_a_number_that_is_none_is_handed_on(rectified):
    x, one = np.array([1.0, np.nan, -1.0]), np.ones(1)
    y = np.empty(3)
    batch_norm.normalize(x, np.zeros(1), one, one, rectified, y)
    assert np.array_equal(y, [2, np.nan, 0], equal_nan=True)
