"""Attention a few queries at a time against all weights at once, in float64."""

import numpy as np
import pytest

from bpcore import memory
from bpcore.numerics import attention

TOLERANCE = {np.float64: 2e-14, np.float32: 1e-5}
# Samples, heads, queries, keys, width: within a block, over several, and so many keys that a block is as small as can be.
SIZES = [(1, 1, 1, 1, 1), (2, 3, 5, 7, 3), (2, 2, 70, 70, 32), (1, 2, 33, 64, 17), (1, 1, 40, 5000, 8), (1, 1, 64, 300, 300)]


def twin(q, k, v, dy, rules):
    """y and the gradients of q, k and v."""
    scores = q @ k.swapaxes(2, 3)
    if rules.causal:
        scores[..., np.triu(np.ones(scores.shape[2:], np.bool_), 1)] = -np.inf
    if rules.seen is not None:
        scores[np.broadcast_to(~rules.seen[:, None, None], scores.shape)] = -np.inf
    a = np.exp(scores - np.maximum(scores.max(axis=-1, keepdims=True), -1e300))
    a /= np.maximum(a.sum(axis=-1, keepdims=True), 1)
    left = 1 if rules.kept is None else rules.kept / (1 - rules.rate)
    da = dy @ v.swapaxes(2, 3) * left
    da = a * (da - np.sum(a * da, axis=-1, keepdims=True))
    return a * left @ v, da @ k, da.swapaxes(2, 3) @ q, (a * left).swapaxes(2, 3) @ dy


def turned(array):
    """The same numbers as they lie in a layer: heads beside each other in a wider row."""
    n, heads, time, width = array.shape
    wide = np.full((n, time, heads + 2, width), 7, array.dtype)
    wide[:, :, 1:-1] = array.swapaxes(1, 2)
    return wide[:, :, 1:-1].swapaxes(1, 2), wide


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("kind", ["all", "seen", "dropout"])
def test_attention_is_its_twin(sizes, causal, kind, dtype):
    n, heads, queries, keys, width = sizes
    random = np.random.default_rng(sum(sizes))
    arrays = [random.standard_normal((n, heads, time, width)).astype(np.float32).astype(dtype) for time in (queries, keys, keys, queries)]
    arrays[0] *= width**-0.5
    scratch = memory.empty((attention.room(arrays[0].shape, keys, arrays[0].itemsize) + 1,), dtype)
    scratch[...] = np.nan
    scratch[-1] = 7
    seen = random.integers(0, 2, (n, keys)) != 0 if kind == "seen" else None
    kept = random.random((n, heads, queries, keys)) > 0.3 if kind == "dropout" else None
    rules = attention.Rules(scratch[:-1], causal, seen, kept, 0.3)
    wanted = twin(*(array.astype(np.float64) for array in arrays), rules)
    (q, k, v, dy), around = zip(*map(turned, arrays))
    y, around_y = turned(np.full_like(arrays[0], np.nan))
    rows = np.full((2, n, heads, queries, 1), np.nan, dtype)
    attention.attend(q, k, v, y, rows, rules)
    attention.attend_back(q, k, v, dy, rows, rules)
    for ours, theirs in zip((y, q, k, v), wanted):
        assert np.max(np.abs(ours - theirs)) <= TOLERANCE[dtype] * max(1, np.max(np.abs(theirs)))
    assert scratch[-1] == 7, "more scratch than asked for"
    assert all((wide[:, :, [0, -1]] == 7).all() for wide in (*around, around_y)), "something is written beside the heads"


def test_a_query_that_sees_no_key_gives_zeros():
    q = np.ones((1, 1, 3, 4), np.float32)
    rules = attention.Rules(np.empty(attention.room(q.shape, 3, 4), np.float32), seen=np.zeros((1, 3), np.bool_))
    y, rows = np.full_like(q, np.nan), np.empty((2, 1, 1, 3, 1), np.float32)
    attention.attend(q, q, q, y, rows, rules)
    assert (y == 0).all()
    arrays = [q.copy() for _ in range(4)]
    attention.attend_back(*arrays, rows, rules)
    assert all((array == 0).all() for array in arrays[:3])
