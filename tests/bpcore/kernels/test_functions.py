"""Functions of vectors against NumPy in twice the digits."""

import numpy as np
import pytest

from bpcore.kernels import functions
from bpcore.kernels.blocks import address
from bpcore.kernels.compiled import kernel, read

EXACT = {"exp": np.exp, "logistic": lambda x: 1 / (1 + np.exp(-x)), "tanh": np.tanh}


def compiled(name):
    function = getattr(functions, name)
    walk = functions.over(lambda code, x: [function(code, x)], inputs=1)

    @kernel(lambda real: (read(real, 1), real[::1]))
    def run(x, y):
        places = np.empty(2, np.int64)
        places[0], places[1] = address(x), address(y)
        walk(y, address(places), len(x))

    return run


def of(run, x):
    y = np.full(len(x) + 1, 7, x.dtype)
    run(x, y[:-1])
    assert y[-1] == 7, "nothing is written behind the last"
    return y[:-1]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", EXACT)
def test_functions_keep_all_but_their_last_digits(name, dtype):
    run, random = compiled(name), np.random.default_rng(0)
    x = np.concatenate([random.uniform(-30, 30, 20001), random.uniform(-1, 1, 2000) * 10.0**random.uniform(-12, 0, 2000)]).astype(dtype)
    exact = EXACT[name](x.astype(np.longdouble))
    assert np.max(np.abs(of(run, x) - exact) / np.abs(exact)) <= 3 * np.finfo(dtype).eps


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_log1p_keeps_them_from_0_to_1(dtype):
    x = np.concatenate([np.linspace(0, 1, 20001), 10.0**np.linspace(-30, 0, 2000)]).astype(dtype)
    exact = np.log1p(x.astype(np.longdouble))
    assert np.all(np.abs(of(compiled("log1p"), x) - exact) <= 3 * np.finfo(dtype).eps * exact)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("name", "ends"), [("exp", (0, np.inf)), ("logistic", (0, 1)), ("tanh", (-1, 1))])
def test_functions_reach_their_ends_and_hand_on_what_is_no_number(name, ends, dtype):
    run = compiled(name)
    for far in (np.inf, 2000, 720):
        assert of(run, np.array([-far, far], dtype)).tolist() == list(ends)
    assert np.isnan(of(run, np.array([1, np.nan, 1], dtype))).tolist() == [False, True, False]


@pytest.mark.parametrize("count", [1, 7, 16, 17, 40])
def test_the_last_numbers_may_fill_no_vector(count):
    x = np.linspace(-2, 2, count, dtype=np.float32)
    np.testing.assert_allclose(of(compiled("tanh"), x), np.tanh(x), rtol=3e-7)
