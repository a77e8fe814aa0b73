"""The kernels of layer_norm and rms_norm against plain NumPy in twice the digits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpcore.kernels.rows import BLOCK, gradients, normalize

TOLERANCE = {np.float32: 2e-6, np.float64: 1e-13}
DTYPES = pytest.mark.parametrize("dtype", TOLERANCE)
SIZES = st.tuples(st.integers(1, 2 * BLOCK + 3), st.integers(1, 70), st.booleans())


def twin(x, gamma, beta, epsilon, centred):
    moved = x - x.mean(axis=1, keepdims=True) * centred
    inverse = 1 / np.sqrt((moved**2).mean(axis=1, keepdims=True) + epsilon)
    return moved * inverse * gamma + beta * centred, moved * inverse, inverse


def twin_gradients(dy, gamma, normal, inverse, centred):
    scaled = dy * gamma
    dx = scaled - scaled.mean(axis=1, keepdims=True) * centred - normal * (scaled * normal).mean(axis=1, keepdims=True)
    return (dy * normal).sum(axis=0), dy.sum(axis=0), dx * inverse


def drawn(rows, features, dtype):
    random = np.random.default_rng(rows * features)
    return [random.standard_normal(shape).astype(np.float32).astype(dtype) for shape in ((rows, features), (rows, features), (features,), (features,))]


def run(x, dy, gamma, beta, centred, epsilon=0.1):
    means, inverses, dgamma, dbeta = (np.full(size, np.nan, x.dtype) for size in (len(x), len(x), len(gamma), len(gamma)))
    y, dx = np.full_like(x, np.nan), np.full_like(x, np.nan)
    normalize(x, gamma, beta, epsilon, centred, means, inverses, y)
    gradients(x, dy, gamma, centred, means, inverses, dgamma, dbeta, dx)
    return y, dgamma, dbeta, dx


@DTYPES
def test_the_kernels_are_their_twins(dtype):
    @settings(derandomize=True, max_examples=60, deadline=None, database=None)
    @given(SIZES)
    def check(case):
        *sizes, centred = case
        x, dy, gamma, beta = drawn(*sizes, dtype)
        exact = [array.astype(np.float64) for array in (x, dy, gamma, beta)]
        y, normal, inverse = twin(exact[0], *exact[2:], 0.1, centred)
        for ours, wanted in zip(run(x, dy, gamma, beta, centred), (y, *twin_gradients(exact[1], exact[2], normal, inverse, centred))):
            assert np.abs(ours - wanted).max() <= TOLERANCE[dtype] * max(1, np.sqrt(sizes[0])), case

    check()


@pytest.mark.parametrize("features", [1, 5, 8, 33, 128])
def test_a_row_has_the_same_bits_in_any_batch(features):
    x, dy, gamma, beta = drawn(37, features, np.float32)
    y, _, _, dx = run(x, dy, gamma, beta, True)
    for rows in (slice(0, 1), slice(5, 6), slice(11, 37)):
        part_y, _, _, part_dx = run(x[rows], dy[rows], gamma, beta, True)
        assert part_y.tobytes() == y[rows].tobytes() and part_dx.tobytes() == dx[rows].tobytes()


def test_where_nobody_wants_the_inputs_gradient_it_is_left_out():
    x, dy, gamma, beta = drawn(300, 20, np.float32)
    _, wanted, _, _ = run(x, dy, gamma, beta, True)
    means, inverses, dgamma, dbeta = (np.empty(size, np.float32) for size in (300, 300, 20, 20))
    normalize(x, gamma, beta, 0.1, True, means, inverses, np.empty_like(x))
    gradients(x, dy, gamma, True, means, inverses, dgamma, dbeta, np.empty((0, 0), np.float32))
    assert dgamma.tobytes() == wanted.tobytes()
