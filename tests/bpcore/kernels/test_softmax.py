"""The kernels of softmax and log_softmax against plain NumPy in twice the digits."""

import numpy as np
import pytest

from bpcore.kernels import softmax as kernels

TOLERANCE = {np.float32: 1e-6, np.float64: 2e-15}
DTYPES = pytest.mark.parametrize("dtype", TOLERANCE)
COUNTS = pytest.mark.parametrize("count", [1, 7, 16, 33, 1000])


def twin(x, dy):
    moved = x - x.max(axis=1, keepdims=True)
    log = moved - np.log(np.exp(moved).sum(axis=1, keepdims=True))
    y = np.exp(log)
    return y, y * (dy - (dy * y).sum(axis=1, keepdims=True)), log, dy - y * dy.sum(axis=1, keepdims=True)


def run(x, dy):
    y, dx, log, dlog = (np.full_like(x, np.nan) for _ in range(4))
    kernels.softmax(x, y), kernels.softmax_back(y, dy, dx)
    kernels.log_softmax(x, log), kernels.log_softmax_back(log, dy, dlog)
    return y, dx, log, dlog


def drawn(rows, count, dtype):
    return (5 * np.random.default_rng(count).standard_normal((2, rows, count))).astype(dtype)


@DTYPES
@COUNTS
def test_the_kernels_are_their_twins(count, dtype):
    arrays = drawn(5, count, dtype)
    for ours, wanted in zip(run(*arrays), twin(*arrays.astype(np.longdouble))):
        assert np.abs(ours - wanted).max() <= TOLERANCE[dtype] * max(1, np.abs(wanted).max()) * max(1, np.abs(arrays[1].sum(axis=1)).max())


@COUNTS
def test_a_row_has_the_same_bits_in_any_batch(count):
    x, dy = drawn(9, count, np.float32)
    for part, whole in zip(run(x[3:5], dy[3:5]), run(x, dy)):
        assert part.tobytes() == whole[3:5].tobytes()


@COUNTS
def test_the_gradient_may_be_written_over_that_of_the_output(count):
    x, dy = drawn(3, count, np.float32)
    y, dx, log, dlog = run(x, dy)
    for kernel, of, wanted in ((kernels.softmax_back, y, dx), (kernels.log_softmax_back, log, dlog)):
        over = dy.copy()
        kernel(of, over, over)
        assert over.tobytes() == wanted.tobytes()


def test_what_cannot_be_has_no_share():
    x = np.array([[0, -np.inf, 0], [np.nan, 0, 0]], np.float32)
    y, *_ = run(x, np.ones_like(x))
    assert y[0].tolist() == [0.5, 0, 0.5] and np.isnan(y[1]).all()
