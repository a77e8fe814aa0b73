"""Products of layers say the same whoever computes them: sizes on both sides of the choice."""

import numpy as np
import pytest

from bpcore.layers import Workspace
from bpcore.numerics import products

SIZES = [(1, 1, 1), (16, 1, 32), (1, 64, 64), (3, 7, 5), (16, 64, 10), (33, 65, 129)]


def drawn(m, n, k, dtype):
    random = np.random.default_rng(m * n * k)
    arrays = [random.standard_normal(shape).astype(np.float32).astype(dtype) for shape in ((m, k), (k, n), (n,), (m, n))]
    return Workspace([arrays[0]], arrays[3], arrays[3], [None]), *arrays


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("kind", ["plain", "bias", "add"])
def test_products_are_products(sizes, kind, dtype):
    w, a, b, bias, out = drawn(*sizes, dtype)
    wanted = a.astype(np.float64) @ b + {"plain": 0, "bias": bias, "add": out}[kind]
    products.multiply(w, a, b, out, bias if kind == "bias" else None, kind == "add")
    np.testing.assert_allclose(out, wanted, atol=np.finfo(dtype).eps * 32 * np.sqrt(sizes[2]), rtol=0)


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("add", [False, True])
def test_the_output_may_lie_in_columns(sizes, add):
    w, a, b, _, out = drawn(*sizes, np.float32)
    turned = np.array(out.T, order="C").T
    products.multiply(w, a, b, turned, add=add)
    np.testing.assert_allclose(turned, a.astype(np.float64) @ b + (out if add else 0), atol=4e-6 * np.sqrt(sizes[2]), rtol=0)


def test_bound_calls_find_what_their_arrays_hold_then():
    w, a, b, bias, out = drawn(16, 64, 10, np.float32)
    bound = list(products.calls(w, a, b, out, bias))
    a *= 2
    for call in bound:
        call()
    np.testing.assert_allclose(out, a @ b + bias, atol=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sizes", [*SIZES, (33, 65, 600)])
@pytest.mark.parametrize("kind", ["plain", "bias", "add"])
@pytest.mark.parametrize("turned", [False, True])
def test_what_is_laid_out_once_gives_the_same_products(sizes, kind, turned, dtype):
    w, a, b, bias, out = drawn(*sizes, dtype)
    wanted = a.astype(np.float64) @ b + {"plain": 0, "bias": bias, "add": out}[kind]
    laid = products.Laid(w, np.asfortranarray(b) if turned else b, sizes[0])
    for _ in range(2):
        ours = out.copy()
        laid.multiply(a, ours, bias if kind == "bias" else None, kind == "add")
        np.testing.assert_allclose(ours, wanted, atol=np.finfo(dtype).eps * 32 * np.sqrt(sizes[2]), rtol=0)
