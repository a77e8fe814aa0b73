"""The kernel of sigmoid_cross_entropy against plain NumPy in more digits."""

import numpy as np
import pytest

from bpcore.kernels.yes_no import cross_entropy

TOLERANCE = {np.float32: 4e-7, np.float64: 1e-15}
DTYPES = pytest.mark.parametrize("dtype", TOLERANCE)


def twin(z, t, w):
    softplus = np.maximum(-z, 0) + np.log1p(np.exp(-np.abs(z)))
    weight = 1 + (w - 1) * t
    return (1 - t) * z + weight * softplus, weight / (1 + np.exp(-z)) - w * t


def run(z, t, w, with_gradient=True):
    losses, gradient = np.full_like(z, np.nan), np.full(z.size if with_gradient else 0, np.nan, z.dtype)
    cross_entropy(z, t, w, losses, gradient)
    return losses, gradient


@DTYPES
@pytest.mark.parametrize("size", [1, 7, 16, 33, 1000])
@pytest.mark.parametrize("w", [1.0, 3.5])
def test_it_is_its_twin(dtype, size, w):
    random = np.random.default_rng(size)
    z, t = (8 * random.standard_normal(size)).astype(dtype), random.random(size).astype(dtype)
    for ours, wanted in zip(run(z, t, w), twin(z.astype(np.longdouble), t.astype(np.longdouble), w)):
        assert np.abs(ours - wanted).max() <= 4 * TOLERANCE[dtype] * max(1, np.abs(wanted).max())


@DTYPES
def test_large_scores_overflow_nowhere_and_keep_their_digits(dtype):
    z, t = np.array([-1e4, 1e4, -1e4, 1e4, -20, 20], dtype), np.array([0, 1, 1, 0, 0, 1], dtype)
    losses, gradient = run(z, t, 1.0)
    assert losses.tolist()[:4] == [0, 0, 1e4, 1e4] and gradient.tolist()[:4] == [0, 0, -1, 1]
    assert np.allclose([*losses[4:], gradient[4]], np.exp(-20.0), rtol=1e-6, atol=0)


@DTYPES
def test_what_is_not_a_number_stays_so(dtype):
    losses, gradient = run(np.array([np.nan, 0], dtype), np.array([1, 1], dtype), 1.0)
    assert np.isnan([losses[0], gradient[0]]).all() and np.isfinite([losses[1], gradient[1]]).all()


@DTYPES
def test_losses_are_the_same_without_a_gradient(dtype):
    z = np.linspace(-9, 9, 37).astype(dtype)
    t = np.linspace(0, 1, 37).astype(dtype)
    assert run(z, t, 2.0)[0].tobytes() == run(z, t, 2.0, with_gradient=False)[0].tobytes()
