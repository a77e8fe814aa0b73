"""erf against the standard library's, which is exact to the last bit or two (C99 erf)."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpcore.special import BLOCK, erf, gate


def ours(x):
    out = np.full(x.shape, np.nan, x.dtype)
    erf(x, out)
    return out


def exact(x):
    return np.array([math.erf(number) for number in x.ravel().tolist()]).reshape(x.shape)


@pytest.mark.parametrize(("dtype", "most"), [(np.float64, 1e-15), (np.float32, 1.2e-7)], ids=["float64", "float32"])
def test_erf_is_the_error_function(dtype, most):
    x = np.linspace(-7, 7, 3 * BLOCK + 17).astype(dtype)
    assert ours(x).dtype == dtype
    assert np.abs(ours(x) - exact(x)).max() <= most


def test_small_numbers_keep_their_digits():
    """Near 0, erf(x) is 2 x / √π: the relative error stays small, too."""
    x = np.logspace(-300, -2, 500)
    np.testing.assert_allclose(ours(x), exact(x), rtol=1e-14)


@settings(derandomize=True, max_examples=100, deadline=None)
@given(st.floats(allow_nan=False))
def test_erf_is_odd_and_within_one(x):
    plus, minus = ours(np.array([x, -x]))
    assert plus == -minus and abs(plus) <= 1
    assert plus == pytest.approx(math.erf(x), rel=1e-12, abs=1e-300)


def test_far_out_it_is_one():
    assert ours(np.array([6, 1e300, np.inf, -6, -np.inf])).tolist() == [1, 1, 1, -1, -1]


def test_a_nan_stays_one():
    assert np.isnan(ours(np.array([0.0, np.nan]))).tolist() == [False, True]


def test_it_may_be_computed_in_place_and_in_any_shape():
    x = np.random.default_rng(0).standard_normal((3, 5, 7))
    wanted = exact(x)
    erf(x, out=x)
    assert np.abs(x - wanted).max() <= 1e-15


def test_strided_numbers_give_the_same_bits():
    x = np.random.default_rng(0).standard_normal((40, 30))
    assert ours(x[::2, ::3]).tobytes() == ours(x[::2, ::3].copy()).tobytes()


def test_a_gate_is_the_factor_of_its_product():
    x, g, out = np.array([-2.0, 0.0, 3.0]), np.array([0.25, 0.5, 0.75]), np.empty(3)
    gate(x, x * g, out)
    assert out.tolist() == g.tolist()
