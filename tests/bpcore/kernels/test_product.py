"""The product kernel against NumPy's in float64, for any sizes and strides."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpcore import memory
from bpcore.kernels import product

DRAWN = settings(max_examples=250, derandomize=True, deadline=None, database=None)
TOLERANCE = {np.float64: 8e-15, np.float32: 4e-6}  # times √terms; what BLAS keeps, too
# Around a vector, a tile, a block and their multiples; and anything.
SIZES = st.one_of(st.sampled_from([1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 255, 256, 257, 512, 530]), st.integers(1, 80))
LAYOUTS = st.sampled_from(["rows", "columns", "part", "far"])


def matrix(rows, columns, layout, dtype, random):
    """Standard normal numbers: in rows, in columns, in the midst of a larger matrix, in rows far from each other."""
    shape = {"rows": (rows, columns), "columns": (columns, rows), "part": (rows + 3, columns + 5), "far": (rows, max(columns, 1100))}[layout]
    whole = random.standard_normal(shape).astype(np.float32).astype(dtype)
    return {"rows": whole, "columns": whole.T, "part": whole[2:2 + rows, 4:4 + columns], "far": whole[:, :columns]}[layout]


def multiply(a, b, start, c, rectified=False):
    """With scratch that is full of what is no number."""
    room = product.room(*c.shape, a.shape[1], c.itemsize)
    scratch = memory.empty((room + 1,), c.dtype)
    scratch[...] = np.nan
    scratch[-1] = 7
    product.multiply(a, b, start, c, scratch[:-1], rectified)
    assert scratch[-1] == 7, "more scratch than asked for"


def error(ours, wanted, terms):
    return np.max(np.abs(ours - wanted)) / np.sqrt(terms)


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_the_kernel_is_its_twin(dtype):
    @given(SIZES, SIZES, SIZES, LAYOUTS, LAYOUTS, st.sampled_from(["zero", "row", "rows", "itself"]))
    @DRAWN
    def check(m, n, k, a_layout, b_layout, begin):
        random = np.random.default_rng(m + 7 * n + 31 * k)
        a, b = matrix(m, k, a_layout, dtype, random), matrix(k, n, b_layout, dtype, random)
        around = random.standard_normal((m + 2, n + 9)).astype(dtype)
        before, c = around.copy(), around[1:-1, 3:-6]
        start = {"zero": np.empty((0, n), dtype), "row": matrix(1, n, "rows", dtype, random), "rows": matrix(m, n, "part", dtype, random),
                 "itself": c}[begin]
        first = start.astype(np.float64) if len(start) else 0
        multiply(a, b, start, c)
        assert error(c, first + a.astype(np.float64) @ b.astype(np.float64), k) <= TOLERANCE[dtype]
        before[1:-1, 3:-6] = c
        assert before.tobytes() == around.tobytes(), "something is written beside c"

    check()


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize(("m", "n", "k"), [(1, 1, 1), (16, 64, 10), (300, 530, 20), (5, 17, 600)])
def test_rectified_it_is_relu_behind_it(m, n, k, dtype):
    random = np.random.default_rng(m)
    a, b, start = matrix(m, k, "rows", dtype, random), matrix(k, n, "rows", dtype, random), matrix(1, n, "rows", dtype, random)
    a[0, 0] = np.nan
    plain, ours = np.empty((2, m, n + 3), dtype)[:, :, :n]
    multiply(a, b, start, plain)
    multiply(a, b, start, ours, rectified=True)
    np.testing.assert_array_equal(ours, np.maximum(plain, 0))


@pytest.mark.parametrize("layout", ["rows", "columns"])
def test_a_row_has_the_same_bits_in_any_batch(layout):
    """What stands above or below a row, and how many there are, changes nothing in it."""
    random = np.random.default_rng(0)
    a, b = matrix(70, 600, layout, np.float32, random), matrix(600, 40, "rows", np.float32, random)
    whole, none = np.empty((70, 40), np.float32), np.empty((0, 40), np.float32)
    multiply(a, b, none, whole)
    for rows in (slice(0, 1), slice(3, 8), slice(10, 43), slice(69, None)):
        part = np.empty_like(whole[rows])
        multiply(a[rows], b, none, part)
        assert part.tobytes() == whole[rows].tobytes()


def test_where_arrays_lie_changes_no_bit():
    random = np.random.default_rng(1)
    a, b = matrix(33, 300, "rows", np.float32, random), matrix(300, 37, "rows", np.float32, random)
    outputs = []
    for shift in range(4):
        moved = [np.empty(array.size + shift, np.float32)[shift:].reshape(array.shape) for array in (a, b)]
        moved[0][...], moved[1][...] = a, b
        outputs.append(np.empty((33, 37), np.float32))
        multiply(*moved, np.empty((0, 37), np.float32), outputs[-1])
    assert len({output.tobytes() for output in outputs}) == 1


def test_a_number_that_is_none_is_handed_on():
    random = np.random.default_rng(2)
    a, b = matrix(20, 30, "rows", np.float32, random), matrix(30, 50, "rows", np.float32, random)
    a[11, 3] = np.nan
    c = np.empty((20, 50), np.float32)
    multiply(a, b, np.empty((0, 50), np.float32), c)
    assert np.flatnonzero(np.isnan(c).all(axis=1)).tolist() == np.flatnonzero(np.isnan(c).any(axis=1)).tolist() == [11]


def test_long_sums_keep_their_digits():
    """65,536 products a number: sums of blocks are added up, not one product after the other."""
    random = np.random.default_rng(3)
    a, b = matrix(9, 65536, "columns", np.float32, random), matrix(65536, 17, "rows", np.float32, random)
    c = np.empty((9, 17), np.float32)
    multiply(a, b, np.empty((0, 17), np.float32), c)
    assert error(c, a.astype(np.float64) @ b.astype(np.float64), 65536) <= TOLERANCE[np.float32]
