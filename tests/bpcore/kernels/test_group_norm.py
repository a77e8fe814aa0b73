"""group_norm's two kernels against plain NumPy in twice the digits."""

import numpy as np
import pytest

from bpcore.kernels.group_norm import gradients, normalize

TOLERANCE = {np.float32: 2e-6, np.float64: 1e-12}
DTYPES = pytest.mark.parametrize("dtype", TOLERANCE)
# Samples, places, channels, groups.
SIZES = pytest.mark.parametrize("sizes", [(1, 1, 1, 1), (3, 5, 6, 2), (2, 1, 12, 12), (2, 300, 35, 5), (2, 700, 4, 1)], ids=str)
EPSILON = 0.1


def twin(x, dy, gamma, beta, groups):
    n, places, channels = x.shape
    normal, inverse = _normal(x, groups)
    scaled = (dy * gamma).reshape(n, places, groups, -1)
    grouped = normal.reshape(scaled.shape)
    level, slope = (values.mean(axis=(1, 3), keepdims=True) for values in (scaled, scaled * grouped))
    dx = (scaled - level - grouped * slope) * inverse
    return normal * gamma + beta, (dy * normal).sum(axis=(0, 1)), dy.sum(axis=(0, 1)), dx.reshape(x.shape)


def _normal(x, groups):
    apart = x.reshape(*x.shape[:2], groups, -1)
    apart = apart - apart.mean(axis=(1, 3), keepdims=True)
    inverse = 1 / np.sqrt((apart**2).mean(axis=(1, 3), keepdims=True) + EPSILON)
    return (apart * inverse).reshape(x.shape), inverse


def drawn(sizes, dtype):
    random, (n, places, channels, _) = np.random.default_rng(sizes[1]), sizes
    arrays = random.standard_normal((n, places, channels)) * 3 + 2, random.standard_normal((n, places, channels))
    return [array.astype(np.float32).astype(dtype) for array in (*arrays, random.standard_normal(channels), random.standard_normal(channels))]


def run(x, dy, gamma, beta, groups, wanted=True):
    kept = [np.full((len(x), len(gamma)), np.nan, x.dtype) for _ in range(2)]
    y, dgamma, dbeta = np.full_like(x, np.nan), *(np.full(len(gamma), np.nan, x.dtype) for _ in range(2))
    dx = np.full_like(x, np.nan).reshape(len(x), -1) if wanted else np.empty((0, 0), x.dtype)
    rows = x.reshape(len(x), -1)
    normalize(rows, gamma, beta, groups, EPSILON, *kept, y.reshape(len(x), -1))
    gradients(rows, dy.reshape(len(x), -1), gamma, groups, *kept, dgamma, dbeta, dx)
    return y, dgamma, dbeta, dx.reshape(x.shape if wanted else 0)


@DTYPES
@SIZES
def test_the_kernels_are_their_twins(sizes, dtype):
    arrays = drawn(sizes, dtype)
    exact = [array.astype(np.float64) for array in arrays]
    for ours, wanted in zip(run(*arrays, sizes[3]), twin(*exact, sizes[3])):
        assert np.abs(ours - wanted).max() <= TOLERANCE[dtype] * max(1, np.abs(wanted).max())


@SIZES
def test_a_sample_has_the_same_bits_in_any_batch(sizes):
    x, dy, *others = drawn((5, *sizes[1:]), np.float32)
    y, _, _, dx = run(x, dy, *others, sizes[3])
    part_y, _, _, part_dx = run(x[2:4], dy[2:4], *others, sizes[3])
    assert part_y.tobytes() == y[2:4].tobytes() and part_dx.tobytes() == dx[2:4].tobytes()


def test_where_nobody_wants_the_inputs_gradient_it_is_left_out():
    arrays = drawn((3, 9, 6, 2), np.float32)
    _, dgamma, dbeta, _ = run(*arrays, 2)
    _, again, others, _ = run(*arrays, 2, wanted=False)
    assert again.tobytes() == dgamma.tobytes() and others.tobytes() == dbeta.tobytes()
