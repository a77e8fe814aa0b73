"""Pools against plain NumPy: one window after the other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpcore.kernels import pools

DRAWN = settings(max_examples=60, derandomize=True, deadline=None, database=None)
DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@st.composite
def drawn(draw):
    """(shape of x, window, stride, before, rows and columns of y): each window has a place on x."""
    axes = []
    for _ in range(2):
        window, stride, size = draw(st.integers(1, 4)), draw(st.integers(1, 4)), draw(st.integers(1, 9))
        before = draw(st.integers(0, window - 1))
        axes.append((size, window, stride, before, draw(st.integers(1, (size - 1 + before) // stride + 1))))
    size, *geometry, counts = zip(*axes)
    return (draw(st.integers(1, 3)), *size, draw(st.sampled_from([1, 2, 8, 16, 20, 33]))), *geometry, counts


def windows(x, window, stride, before, counts):
    """(i, j), and the slices of x that window (i, j) covers."""
    for i, j in np.ndindex(counts):
        starts = [at * step - margin for at, step, margin in zip((i, j), stride, before)]
        yield (i, j), tuple(slice(max(0, start), start + length) for start, length in zip(starts, window))


def numbers(shape, dtype, equal):
    random = np.random.default_rng(len(shape) + shape[-1])
    return (random.integers(0, 3, shape) if equal else random.standard_normal(shape)).astype(dtype)


@DTYPES
@pytest.mark.parametrize("equal", [False, True], ids=["different", "equal"])
def test_the_first_largest_value_is_found_and_gets_the_gradient(dtype, equal):
    @given(drawn())
    @DRAWN
    def check(case):
        shape, *geometry, counts = case
        x = numbers(shape, dtype, equal)
        y = np.full((shape[0], *counts, shape[3]), np.nan, dtype)
        dy, dx, wanted = numbers(y.shape, dtype, False), np.zeros_like(x), np.zeros_like(x)
        places = np.zeros((*y.shape[:3], -(-shape[3] // 16) * 16), np.int32)
        pools.largest(x, y, places, *geometry)
        pools.largest_back(dy, places, dx, *geometry, True)
        for (i, j), (rows, columns) in windows(x, *geometry, counts):
            part = x[:, rows, columns].reshape(shape[0], -1, shape[3])
            assert np.array_equal(y[:, i, j], part.max(axis=1)), case
            share = np.zeros_like(part)
            np.put_along_axis(share, part.argmax(axis=1)[:, None], dy[:, i, j][:, None], axis=1)
            wanted[:, rows, columns] += share.reshape(wanted[:, rows, columns].shape)
        np.testing.assert_allclose(dx, wanted, rtol=1e-5, atol=1e-5)

    check()


@DTYPES
@pytest.mark.parametrize("whole", [False, True], ids=["of what lies inside", "of all"])
def test_the_average_and_its_gradient(dtype, whole):
    @given(drawn())
    @DRAWN
    def check(case):
        shape, *geometry, counts = case
        x = numbers(shape, dtype, False)
        y = np.full((shape[0], *counts, shape[3]), np.nan, dtype)
        dy, dx, wanted = numbers(y.shape, dtype, False), np.zeros_like(x), np.zeros_like(x)
        pools.average(x, y, *geometry, whole)
        pools.average_back(dy, dx, *geometry, whole, True)
        for (i, j), (rows, columns) in windows(x, *geometry, counts):
            part = x[:, rows, columns]
            places = np.prod(geometry[0]) if whole else part.shape[1] * part.shape[2]
            np.testing.assert_allclose(y[:, i, j], part.sum(axis=(1, 2)) / places, rtol=1e-5, atol=1e-6, err_msg=str(case))
            wanted[:, rows, columns] += dy[:, i:i + 1, j:j + 1] / dtype(places)
        np.testing.assert_allclose(dx, wanted, rtol=1e-5, atol=1e-5)

    check()


@DTYPES
def test_windows_that_meet_write_every_place(dtype):
    """Without adding: what stood in dx before is gone."""
    x = numbers((2, 4, 6, 5), dtype, False)
    y, dy = np.empty((2, 2, 2, 5), dtype), numbers((2, 2, 2, 5), dtype, False)
    places, geometry = np.zeros((2, 2, 2, 16), np.int32), ((2, 3), (2, 3), (0, 0))
    pools.largest(x, y, places, *geometry)
    for back in (lambda dx, add: pools.largest_back(dy, places, dx, *geometry, add),
                 lambda dx, add: pools.average_back(dy, dx, *geometry, False, add)):
        written, added = np.full_like(x, np.nan), np.zeros_like(x)
        back(written, False), back(added, True)
        assert written.tobytes() == added.tobytes()


@DTYPES
def test_a_number_that_is_none_is_handed_on(dtype):
    x = np.array([1, np.nan, 3, 2, np.nan, np.nan, -np.inf, -np.inf], dtype).reshape(1, 1, 8, 1)
    y, places = np.empty((1, 1, 4, 1), dtype), np.zeros((1, 1, 4, 16), np.int32)
    pools.largest(x, y, places, (1, 2), (1, 2), (0, 0))
    assert np.array_equal(y.ravel(), [np.nan, 3, np.nan, -np.inf], equal_nan=True)
    assert places[..., 0].ravel().tolist() == [1, 0, 0, 0]


def test_channels_beside_a_vector_are_left_alone():
    x, around = numbers((1, 4, 4, 3), np.float32, False), np.full(64, 7, np.float32)
    y = around[16:28].reshape(1, 2, 2, 3)
    pools.largest(x, y, np.zeros((1, 2, 2, 16), np.int32), (2, 2), (2, 2), (0, 0))
    assert (around[:16] == 7).all() and (around[28:] == 7).all()
