"""Gates in registers against the layers' formulas in plain NumPy, and their ways back against differences."""

import numpy as np
import pytest

from bpcore.kernels import cells

TOLERANCE = {np.float64: 1e-15, np.float32: 6e-7}
SIZES = [(1, 1), (3, 5), (2, 16), (5, 40), (32, 256)]


def sigma(x):
    return 1 / (1 + np.exp(-x))


def lstm(gates, before):
    i, f, g, o = np.split(gates, 4, axis=1)
    i, f, g, o = sigma(i), sigma(f), np.tanh(g), sigma(o)
    c = f * before + i * g
    return np.hstack([i, f, g, o]), c, np.tanh(c), o * np.tanh(c)


def gru(gates, product, before):
    (r, z, n), (product_r, product_z, product_n) = np.split(gates, 3, axis=1), np.split(product, 3, axis=1)
    r, z = sigma(r + product_r), sigma(z + product_z)
    n = np.tanh(n + r * product_n)
    return np.hstack([r, z, n]), (1 - z) * n + z * before


def drawn(dtype, *shapes):
    random = np.random.default_rng(sum(map(sum, shapes)))
    return [(2 * random.standard_normal(shape)).astype(np.float32).astype(dtype) for shape in shapes]


def difference(function, x, gradient, eps=1e-6):
    """The gradient of ⟨function(x), gradient⟩, by central differences."""
    total = np.empty_like(x)
    for i in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[i] += eps
        down[i] -= eps
        total[i] = np.sum((function(up) - function(down)) * gradient) / (2 * eps)
    return total


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize(("n", "units"), SIZES)
def test_lstm_is_its_twin(n, units, dtype):
    gates, before = drawn(dtype, (n, 4 * units), (n, units))
    wanted = lstm(gates.astype(np.float64), before.astype(np.float64))
    c, tanh_c, h = (np.full_like(before, np.nan) for _ in range(3))
    cells.lstm(gates, before, c, tanh_c, h)
    for ours, theirs in zip((gates, c, tanh_c, h), wanted):
        np.testing.assert_allclose(ours, theirs, atol=8 * TOLERANCE[dtype], rtol=0)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize(("n", "units"), SIZES)
def test_gru_is_its_twin(n, units, dtype):
    gates, product, before = drawn(dtype, (n, 3 * units), (n, 3 * units), (n, units))
    wanted = gru(*(array.astype(np.float64) for array in (gates, product, before)))
    h = np.full_like(before, np.nan)
    cells.gru(gates, product, before, h)
    for ours, theirs in zip((gates, h), wanted):
        np.testing.assert_allclose(ours, theirs, atol=8 * TOLERANCE[dtype], rtol=0)


def test_the_way_back_through_lstm_is_its_gradient():
    gates, before, dh, dc = drawn(np.float64, (3, 20), (3, 5), (3, 5), (3, 5))

    def both(gates, before):
        return np.hstack(lstm(gates, before)[1::2])  # c and h

    wanted = [difference(lambda x: both(x, before), gates, np.hstack([dc, dh])), difference(lambda x: both(gates, x), before, np.hstack([dc, dh]))]
    kept, _, tanh_c, _ = lstm(gates, before)
    cells.lstm_back(kept, before, tanh_c, dh, dc)
    for ours, theirs in zip((kept, dc), wanted):
        np.testing.assert_allclose(ours, theirs, atol=1e-8)


def test_the_way_back_through_gru_is_its_gradient():
    arrays = drawn(np.float64, (3, 15), (3, 15), (3, 5), (3, 5))
    dh = arrays.pop()
    wanted = [difference(lambda x: gru(*arrays[:i], x, *arrays[i + 1:])[1], arrays[i], dh) for i in range(3)]
    gates, product, before = arrays[0].copy(), arrays[1].copy(), arrays[2]
    cells.gru(gates, product, before, np.empty_like(before))
    cells.gru_back(gates, product, before, dh)
    for ours, theirs in zip((gates, product, dh), wanted):
        np.testing.assert_allclose(ours, theirs, atol=1e-8)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize(("n", "units"), SIZES)
def test_rnn_is_its_twin(n, units, dtype):
    [sums] = drawn(dtype, (n, units))
    h = np.full_like(sums, np.nan)
    cells.rnn(sums, h)
    np.testing.assert_allclose(h, np.tanh(sums.astype(np.float64)), rtol=2 * TOLERANCE[dtype])
