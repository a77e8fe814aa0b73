"""dropout: the one random layer; who computes a shard never shows in its mask."""

import re

import numpy as np
import pytest

from bpcore import rng
from bpcore.errors import InvalidInput
from bpcore.gradcheck import workspace
from bpcore.layers import LAYERS, Case
from bpcore.layers.dropout import Dropout


def drop(rate=0.5, size=1000, key=(1, rng.LAYER, 0, 0, 0), training=True, dtype=np.float64):
    """The workspace after forward, on inputs of one."""
    w = workspace(Case(Dropout(rate), [(size,)], batch=2, training=training), np.random.default_rng(0), dtype)
    w.x[...] = 1
    w.rng = lambda: rng.stream(*key)
    Dropout(rate).forward(w)
    return w


def test_evaluation_is_the_identity():
    w = drop(training=False)
    assert np.array_equal(w.y, w.x)


def test_evaluation_draws_nothing():
    w = drop(training=False, key=())  # a stream without a key would raise
    assert np.array_equal(w.y, w.x)


def test_a_rate_of_zero_is_the_identity():
    assert np.array_equal(drop(rate=0.0, key=()).y, drop().x)


def test_what_is_kept_is_scaled_so_that_evaluation_needs_no_change():
    assert set(drop(rate=0.75).y.flat) == {0.0, 4.0}  # 1 / (1 − 0.75)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_expectation_is_the_input(rate, dtype):
    """Within five standard deviations of the mean of n inverted Bernoulli values: √(rate / (1 − rate) / n)."""
    w = drop(rate, 50_000, dtype=dtype)
    assert abs(w.y.mean(dtype=np.float64) - 1) < 5 * np.sqrt(rate / (1 - rate) / w.y.size)


def test_the_same_key_gives_the_same_mask():
    assert np.array_equal(drop().y, drop().y)


@pytest.mark.parametrize("key", [(2, 3, 0, 0, 0), (1, 3, 1, 0, 0), (1, 3, 0, 1, 0), (1, 3, 0, 0, 1)],
                         ids=["seed", "step", "shard", "layer"])
def test_another_key_gives_another_mask(key):
    """Two fair masks of 2000 agree in half of the places; five standard deviations are 112."""
    agree = int((drop(key=key).y == drop().y).sum())
    assert abs(agree - 1000) < 112


def test_every_sample_has_a_mask_of_its_own():
    first, second = drop().y
    assert not np.array_equal(first, second)


def test_the_gradient_passes_where_the_input_did():
    w = drop(rate=0.25)
    w.dy[...] = 1
    Dropout(0.25).backward(w)
    assert np.array_equal(w.dx, w.y)


@pytest.mark.parametrize("rate", [1, 1.5, -0.1, True, "half"], ids=str)
def test_a_rate_that_keeps_nothing_is_refused(rate):
    with pytest.raises(InvalidInput, match=re.escape("dropout.rate: expected a number ≥ 0 and < 1, got ")):
        LAYERS.build({"dropout": {"rate": rate}})
