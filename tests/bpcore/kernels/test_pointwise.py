"""gelu, silu and the logistic function against their formulas in twice the digits."""

import math

import numpy as np
import pytest

from bpcore.kernels import gelu, silu
from bpcore.kernels import logistic as logistics

REACH = 37  # beyond it Φ is 0 or 1 in float64


def normal(x):
    """Φ, Φ′, by the standard library's erfc, which keeps the digits of small values (C99)."""
    return np.array([math.erfc(-number / math.sqrt(2)) / 2 for number in x.tolist()]), np.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def by_tanh(x):
    u, slope = math.sqrt(2 / math.pi) * (x + 0.044715 * x**3), math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * x**2)
    return (1 + np.tanh(u)) / 2, (1 - np.tanh(u)**2) / 2 * slope


def logistic(x):
    share = 1 / (1 + np.exp(-x))
    return share, share * (1 - share)


CASES = {"gelu": (normal, gelu.AHEAD["none"], gelu.BACK["none"]), "gelu by tanh": (by_tanh, gelu.AHEAD["tanh"], gelu.BACK["tanh"]),
         "silu": (logistic, silu.AHEAD, silu.BACK)}
DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def of(kernel, *given):
    out = np.full_like(given[0], np.nan)
    kernel.over(*given, out)()
    return out


@DTYPES
@pytest.mark.parametrize("name", CASES)
def test_it_is_the_formula(name, dtype):
    """Both are within a few units in the last place of the largest number that goes into them, which is x."""
    formula, ahead, back = CASES[name]
    x = np.concatenate([np.linspace(-REACH, REACH, 20001), np.linspace(-6, 6, 20001)]).astype(dtype)
    dy = np.random.default_rng(0).standard_normal(x.size).astype(dtype)
    share, slope = formula(x.astype(np.float64))
    few = 10 * np.finfo(dtype).eps * np.maximum(1, np.abs(x))
    assert (np.abs(of(ahead, x) - x * share) <= few).all()
    assert (np.abs(of(back, x, dy) - dy * (share + x * slope)) <= few * np.abs(dy)).all()


@pytest.mark.parametrize(("dtype", "most"), [(np.float32, 1.5e-6), (np.float64, 1e-14)])
def test_the_smallest_values_of_gelu_keep_their_digits(dtype, most):
    """1 + erf(x / √2) would have lost them all from x = −6 on."""
    x = np.linspace(-6, 0, 10001)[:-1].astype(dtype)
    exact = x * normal(x.astype(np.float64))[0]
    assert (np.abs(of(gelu.AHEAD["none"], x) - exact) <= most * np.abs(exact)).all()


@DTYPES
@pytest.mark.parametrize("name", CASES)
def test_far_out_it_is_zero_or_x_and_no_number_stays_none(name, dtype):
    _, ahead, back = CASES[name]
    x = np.array([-80, 80, np.nan, 1], dtype)
    assert of(ahead, x)[:2] == pytest.approx([0, 80], abs=1e-30) and np.isnan(of(ahead, x)).tolist() == [False, False, True, False]
    slopes = of(back, x, np.ones_like(x))
    assert slopes[:2] == pytest.approx([0, 1], abs=1e-30) and np.isnan(slopes).tolist() == [False, False, True, False]


@pytest.mark.parametrize("count", [0, 1, 7, 16, 33])
def test_any_number_of_numbers(count):
    x = np.linspace(-2, 2, count, dtype=np.float32)
    whole = of(silu.AHEAD, np.concatenate([x, x]))
    assert of(silu.AHEAD, x).tobytes() == whole[:count].tobytes() == whole[count:].tobytes()


def test_its_shape_is_the_arrays():
    x = np.linspace(-2, 2, 24, dtype=np.float32)
    assert of(silu.AHEAD, x.reshape(2, 3, 4)).tobytes() == of(silu.AHEAD, x).tobytes()


@DTYPES
def test_the_logistic_function_and_its_gradient_are_the_formula(dtype):
    x = np.linspace(-30, 30, 10001).astype(dtype)
    share, slope = logistic(x.astype(np.float64))
    y, few = of(logistics.AHEAD, x), 10 * np.finfo(dtype).eps
    assert (np.abs(y - share) <= few * share).all()
    assert (np.abs(of(logistics.BACK, y, np.full_like(y, 3)) - 3 * slope) <= 3 * few).all()
    far = of(logistics.AHEAD, np.array([-1e4, 1e4, np.nan], dtype))
    assert far[:2] == pytest.approx([0, 1], abs=1e-30) and np.isnan(far[2])
