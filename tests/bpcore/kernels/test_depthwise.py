"""The kernels of depthwise convolutions against plain NumPy: one product for each place of the window."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpcore.layers import Workspace
from bpcore.numerics import depthwise, planar
from bpcore.numerics.windows import Grid
from bpcore.numerics.windows import grid as grid_of

DRAWN = settings(max_examples=60, derandomize=True, deadline=None, database=None)
TOLERANCE = {np.float64: 1e-13, np.float32: 2e-6}


def windows(x, grid):
    """(places of the window, n, rows, columns, channels)."""
    behind = [max(0, (count - 1) * step + reach - size - before) for count, step, reach, size, before in
              zip(grid.counts, grid.stride, grid.reach, grid.sizes, grid.before)]
    whole = np.pad(x, [(0, 0), *zip(grid.before, behind), (0, 0)])
    return np.stack([whole[:, u * grid.dilation[0]:, v * grid.dilation[1]:][:, ::grid.stride[0], ::grid.stride[1]]
                     [:, :grid.counts[0], :grid.counts[1]] for u in range(grid.window[0]) for v in range(grid.window[1])])


def twins(x, weight, bias, dy, grid):
    filters = dy.shape[-1] // x.shape[-1]
    seen = windows(np.repeat(x, filters, axis=-1), grid)
    y = np.einsum("pnijc,pc->nijc", seen, weight.reshape(grid.area, -1))
    return y + bias if bias.size else y, np.einsum("pnijc,nijc->pc", seen, dy).reshape(weight.shape)


@st.composite
def drawn(draw):
    """(grid, n, channels, filters of each)."""
    window, stride, dilation = ((draw(st.integers(1, most)), draw(st.integers(1, most))) for most in (5, 3, 3))
    counts, before = ((draw(st.integers(low, 9)), draw(st.integers(low, 4))) for low in (1, 0))
    reach = [(length - 1) * gap + 1 for length, gap in zip(window, dilation)]
    sizes = [max(1, (count - 1) * step + length - 2 * margin + draw(st.integers(0, 2)))
             for count, step, length, margin in zip(counts, stride, reach, before)]
    return Grid(tuple(sizes), window, stride, dilation, before, counts), draw(st.integers(1, 4)), draw(st.integers(2, 40)), draw(st.integers(1, 2))


def given_arrays(grid, n, channels, filters, dtype):
    random, across = np.random.default_rng(n + channels), channels * filters
    shapes = (n, *grid.sizes, channels), (*grid.window, 1, across), (across * (n % 2),), (n, *grid.counts, across)
    return [random.standard_normal(shape).astype(np.float32).astype(dtype) for shape in shapes]


def run(x, weight, bias, dy, grid):
    w, dweight = Workspace([x], np.full_like(dy, np.nan), dy, [None]), np.full_like(weight, np.nan)
    depthwise.correlate(w, x, weight, bias, grid, w.y)
    depthwise.correlate_weight(w, x, dy, grid, dweight)
    return w.y, dweight


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("block", [1 << 16, 300], ids=["blocks", "small blocks"])
def test_the_kernels_are_their_twins(dtype, block, monkeypatch):
    monkeypatch.setattr(planar, "DIRECT", block)

    @given(drawn())
    @DRAWN
    def check(case):
        grid, *sizes = case
        arrays = given_arrays(grid, *sizes, dtype)
        for ours, wanted in zip(run(*arrays, grid), twins(*(array.astype(np.float64) for array in arrays), grid)):
            assert np.abs(ours - wanted).max() <= TOLERANCE[dtype] * max(5, np.abs(wanted).max()), case

    check()


def square(n, channels):
    grid = grid_of((9, 9), (3, 3), (1, 1), "same")
    return grid, given_arrays(grid, n, channels, 1, np.float32)


def test_a_sample_has_the_same_bits_in_any_batch():
    grid, (x, weight, bias, dy) = square(7, 21)
    y, _ = run(x, weight, bias, dy, grid)
    turned, _ = run(x[::-1].copy(), weight, bias, dy, grid)
    assert turned[::-1].tobytes() == y.tobytes()


def test_nothing_is_written_beside_the_output():
    grid, (x, weight, bias, dy) = square(3, 21)
    around = np.full((5, 13, 13, 40), 7, np.float32)
    y = around[1:4, 2:11, 2:11, 3:24]
    depthwise.correlate(Workspace([x], y, dy, [None]), x, weight, bias, grid, y)
    assert np.abs(y - twins(x, weight, bias, dy, grid)[0]).max() <= 1e-5
    y[...] = 7
    assert (around == 7).all()


def test_a_number_that_is_none_stays_in_its_channel():
    grid, (x, weight, bias, dy) = square(2, 21)
    x[1, 4, 4, 3] = np.nan
    y, _ = run(x, weight, bias, dy, grid)
    assert np.argwhere(np.isnan(y).any(axis=(1, 2))).tolist() == [[1, 3]]
