"""The convolution kernels against plain NumPy: one matrix product for each place of the window, and its transpose."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpcore.layers import Workspace
from bpcore.numerics import planar
from bpcore.numerics.windows import Grid

DRAWN = settings(max_examples=60, derandomize=True, deadline=None, database=None)
TOLERANCE = {np.float64: 1e-12, np.float32: 4e-6}


def windows(x, grid):
    """The twin's windows: (place, n, rows, columns, channels)."""
    margins = [(before, max(0, length - before - size)) for before, length, size in
               zip(grid.before, ((count - 1) * step + reach for count, step, reach in zip(grid.counts, grid.stride, grid.reach)), grid.sizes)]
    whole = np.pad(x, [(0, 0), *margins, (0, 0)])
    return np.stack([whole[:, u * grid.dilation[0]:, v * grid.dilation[1]:][:, ::grid.stride[0], ::grid.stride[1]]
                     [:, :grid.counts[0], :grid.counts[1]] for u in range(grid.window[0]) for v in range(grid.window[1])])


def twin(x, weight, bias, grid):
    y = sum(place @ kernel for place, kernel in zip(windows(x, grid), weight.reshape(grid.area, *weight.shape[2:])))
    return y + bias if bias.size else y


def twin_weight(x, dy, grid):
    pixels = windows(x, grid).reshape(grid.area, -1, x.shape[-1])
    return (pixels.swapaxes(1, 2) @ dy.reshape(-1, dy.shape[-1])).reshape(*grid.window, x.shape[-1], dy.shape[-1])


@st.composite
def drawn(draw):
    """(grid, n, channels, filters): any window, or often one that goes through Winograd's kernels."""
    if draw(st.booleans()):
        window, stride, dilation = (draw(st.sampled_from([3, 5])),) * 2, (1, 1), (1, 1)
    else:
        window, stride, dilation = ((draw(st.integers(1, 4)), draw(st.integers(1, 4))) for _ in range(3))
    counts, before = ((draw(st.integers(low, 9)), draw(st.integers(low, 9))) for low in (1, 0))
    reach = [(length - 1) * gap + 1 for length, gap in zip(window, dilation)]
    sizes = [max(1, (count - 1) * step + length - 2 * margin + draw(st.integers(0, 2)))
             for count, step, length, margin in zip(counts, stride, reach, before)]
    grid = Grid(tuple(sizes), window, stride, dilation, before, counts)
    return grid, draw(st.integers(1, 5)), draw(st.integers(1, 40)), draw(st.integers(1, 70))


def given_arrays(grid, n, channels, filters, dtype):
    random = np.random.default_rng(n + channels + filters)
    shapes = (n, *grid.sizes, channels), (*grid.window, channels, filters), (filters,), (n, *grid.counts, filters)
    return [random.standard_normal(shape).astype(np.float32).astype(dtype) for shape in shapes]


def error(ours, wanted, terms=1):
    """Relative to the largest number, or to what so many products of standard normal numbers add up to."""
    return np.max(np.abs(ours - wanted)) / max(np.sqrt(terms), np.max(np.abs(wanted)))


@pytest.fixture(params=[(1 << 16, 5 << 15, 64), (300, 300, 1)], ids=["blocks", "small blocks"])
def blocks(request, monkeypatch):
    """As they are, and so small that every loop over blocks is gone through."""
    for name, value in zip(("DIRECT", "WINOGRAD", "LEAST"), request.param):
        monkeypatch.setattr(planar, name, value)


@pytest.fixture(params=["chosen", "direct", "winograd"])
def kernel(request, monkeypatch):
    """The one that the sizes ask for, or one of both wherever it can do the work."""
    fits = planar.winograd_pays
    if request.param != "chosen":
        monkeypatch.setattr(planar, "winograd_pays", lambda grid, n, channels, filters:
                            request.param == "winograd" and fits(grid, 1 << 20, 64, 64))


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_the_kernels_are_their_twins(dtype, blocks, kernel):
    @given(drawn())
    @DRAWN
    def check(case):
        grid, *sizes = case
        x, weight, bias, dy = given_arrays(grid, *sizes, dtype)
        exact = [array.astype(np.float64) for array in (x, weight, bias, dy)]
        w, dweight = Workspace([x], np.full_like(dy, np.nan), dy, [None]), np.full_like(weight, np.nan)
        planar.correlate(w, x, weight, bias, grid, w.y)
        planar.correlate_weight(w, x, dy, grid, dweight)
        assert error(w.y, twin(*exact[:3], grid), weight[..., 0].size) <= TOLERANCE[dtype], case
        assert error(dweight, twin_weight(exact[0], exact[3], grid), dy[..., 0].size) <= TOLERANCE[dtype], case

    check()


def square(size, window, margin, channels, filters, n, dtype=np.float32):
    grid = Grid((size, size), (window, window), (1, 1), (1, 1), (margin, margin), (size + 2 * margin - window + 1,) * 2)
    return grid, given_arrays(grid, n, channels, filters, dtype)


@pytest.mark.parametrize(("size", "window", "channels", "filters"), [(32, 3, 16, 16), (14, 3, 40, 24), (9, 5, 16, 33), (12, 3, 3, 8)])
def test_a_sample_has_the_same_bits_in_any_batch(size, window, channels, filters):
    """The shard's sizes choose the blocks; where a sample stands in it changes nothing."""
    grid, (x, weight, bias, dy) = square(size, window, 1, channels, filters, 7)
    w = Workspace([x], np.empty_like(dy), dy, [None])
    planar.correlate(w, x, weight, bias, grid, w.y)
    turned = np.empty_like(dy)
    planar.correlate(w, x[::-1].copy(), weight, bias, grid, turned)
    assert turned[::-1].tobytes() == w.y.tobytes()


@pytest.mark.parametrize("window", [1, 3, 5])
def test_nothing_is_written_beside_the_output(window):
    """Filters and pixels that fill no vector: the channels beside them, and all around, stay as they were."""
    grid, (x, weight, bias, dy) = square(7, window, window // 2, 16, 21, 3)
    around = np.full((5, 11, 11, 40), 7, np.float32)
    w = Workspace([x], around[1:4, 2:9, 2:9, 3:24], dy, [None])
    planar.correlate(w, x, weight, bias, grid, w.y)
    assert error(w.y, twin(x, weight, bias, grid)) <= 1e-5
    w.y[...] = 7
    assert (around == 7).all()


@pytest.mark.parametrize("window", [1, 3, 5])
def test_a_view_of_some_channels_is_as_good_as_a_copy(window):
    grid, (x, weight, bias, dy) = square(8, window, window // 2, 48, 32, 4)
    w, part = Workspace([x], np.empty_like(dy), dy, [None]), slice(16, 37)
    outputs, gradients = [np.empty_like(dy) for _ in range(2)], [np.empty_like(weight[..., part, :]) for _ in range(2)]
    for y, dweight, view in zip(outputs, gradients, (x[..., part], x[..., part].copy())):
        planar.correlate(w, view, weight[..., part, :], bias, grid, y)
        planar.correlate_weight(w, view, dy, grid, dweight)
    assert outputs[0].tobytes() == outputs[1].tobytes()
    assert gradients[0].tobytes() == gradients[1].tobytes()


@pytest.mark.parametrize("window", [1, 3, 5])
def test_a_number_that_is_none_is_handed_on(window):
    grid, (x, weight, bias, dy) = square(9, window, 0, 16, 16, 2)
    x[1, 4, 4, 3] = np.nan
    w = Workspace([x], np.empty_like(dy), dy, [None])
    planar.correlate(w, x, weight, bias, grid, w.y)
    seen = np.isnan(w.y).any(axis=(1, 2, 3))
    assert seen.tolist() == [False, True]


def test_long_sums_keep_their_digits():
    """65,536 products a weight: block sums are added up, not one product after the other."""
    grid, (x, _, _, dy) = square(32, 3, 1, 16, 16, 64)
    w, dweight = Workspace([x], np.empty_like(dy), dy, [None]), np.empty((3, 3, 16, 16), np.float32)
    planar.correlate_weight(w, x, dy, grid, dweight)
    assert error(dweight, twin_weight(x.astype(np.float64), dy.astype(np.float64), grid)) <= 4e-6
