"""Pools, and squeeze_excite, which is made of one: against PyTorch, over drawn shapes and options."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpcore.errors import ShapeError
from bpcore.gradcheck import workspace
from bpcore.layers import Case
from bpcore.layers.avg_pool1d import AvgPool1d
from bpcore.layers.avg_pool2d import AvgPool2d
from bpcore.layers.global_avg_pool1d import GlobalAvgPool1d
from bpcore.layers.global_avg_pool2d import GlobalAvgPool2d
from bpcore.layers.global_max_pool1d import GlobalMaxPool1d
from bpcore.layers.global_max_pool2d import GlobalMaxPool2d
from bpcore.layers.max_pool1d import MaxPool1d
from bpcore.layers.max_pool2d import MaxPool2d
from bpcore.layers.squeeze_excite import SqueezeExcite

DRAWN = settings(max_examples=60, derandomize=True, deadline=None, database=None)
BATCHES = st.integers(1, 3)
SIZES = st.integers(1, 6)
POOLS = {"max_pool1d": (MaxPool1d, 1), "max_pool2d": (MaxPool2d, 2), "avg_pool1d": (AvgPool1d, 1), "avg_pool2d": (AvgPool2d, 2)}


@st.composite
def pools(draw, kind, count):
    """A pool over `count` axes, and the shape of its input. PyTorch pads by half a window at most."""
    padding = draw(st.sampled_from(["valid", "same", "numbers"]))
    windows = draw(st.tuples(*[st.integers(1, 4)] * count))
    margins = tuple(draw(st.integers(0, length // 2)) for length in windows)
    stride = draw(st.none() | st.tuples(*[st.integers(1, 3)] * count))
    least = [{"valid": length, "same": 1, "numbers": length - 2 * margin}[padding] for length, margin in zip(windows, margins)]
    sizes = [draw(st.integers(max(1, size), max(1, size) + 5)) for size in least]
    options = {"count_include_pad": draw(st.booleans())} if kind in (AvgPool1d, AvgPool2d) else {}
    if count == 1:
        windows, stride = windows[0], stride and stride[0]
    layer = kind(windows, stride, margins if padding == "numbers" else padding, **options)
    return layer, (*sizes, draw(st.integers(1, 3)))


@pytest.mark.parametrize("name", POOLS)
def test_a_pool_is_pytorchs(agrees, name):
    @given(pools(*POOLS[name]), BATCHES)
    @DRAWN
    def check(drawn, batch):
        layer, shape = drawn
        agrees(layer, shape, batch=batch)

    check()


@pytest.mark.parametrize("name", ["max_pool1d", "max_pool2d"])
def test_of_equal_values_the_first_gets_the_gradient_as_in_pytorch(agrees, name):
    @given(pools(*POOLS[name]), BATCHES)
    @DRAWN
    def check(drawn, batch):
        layer, shape = drawn
        agrees(layer, shape, batch=batch, values=lambda random, shape: random.integers(0, 2, shape))

    check()


@pytest.mark.parametrize("values", [np.random.Generator.standard_normal, lambda random, shape: random.integers(0, 2, shape)],
                         ids=["different", "equal"])
@pytest.mark.parametrize("layer", [GlobalAvgPool1d(), GlobalAvgPool2d(), GlobalMaxPool1d(), GlobalMaxPool2d()],
                         ids=lambda x: type(x).__name__)
def test_a_global_pool_is_pytorchs(agrees, layer, values):
    count = 1 if isinstance(layer, (GlobalAvgPool1d, GlobalMaxPool1d)) else 2

    @given(st.tuples(*[SIZES] * (count + 1)), BATCHES)
    @DRAWN
    def check(shape, batch):
        agrees(layer, shape, batch=batch, values=values)

    check()


@given(st.integers(1, 4), st.lists(SIZES, min_size=2, max_size=3).map(tuple), BATCHES)
@DRAWN
def test_squeeze_excite_is_pytorchs_composition(agrees, reduction, shape, batch):
    agrees(SqueezeExcite(reduction), shape, batch=batch)


def test_squeeze_excite_has_at_least_one_hidden_unit():
    sizes = {name: parameter.shape for name, parameter in SqueezeExcite(16).parameters((2, 2, 40)).items()}
    assert sizes == {"squeeze_weight": (40, 2), "squeeze_bias": (2,), "excite_weight": (2, 40), "excite_bias": (40,)}
    assert SqueezeExcite(16).parameters((2, 2, 3))["squeeze_weight"].shape == (3, 1)


def test_an_average_counts_the_margin_only_when_told():
    """By hand: windows of 2 over 0 | 3 5 | 0."""
    for include, wanted in ((False, [3, 4, 5]), (True, [1.5, 4, 2.5])):
        layer = AvgPool1d(size=2, stride=1, padding=(1,), count_include_pad=include)
        w = workspace(Case(layer, [(2, 1)], 1), np.random.default_rng(0))
        w.x[...] = [[[3], [5]]]
        layer.forward(w)
        assert w.y.ravel().tolist() == wanted


def test_a_nan_goes_through_every_pool():
    for layer in (MaxPool2d(padding="same"), AvgPool2d(), GlobalMaxPool2d(), GlobalAvgPool2d()):
        w = workspace(Case(layer, [(2, 2, 2)], 1), np.random.default_rng(0))
        w.x[0, 1, 0, 1] = np.nan
        layer.forward(w)
        assert np.isnan(w.y).reshape(2).tolist() == [False, True], layer


@pytest.mark.parametrize(("layer", "shape", "says"), [
    (MaxPool2d((2, 3)), (2, 2, 1), "expected a window of at most the input's width 2, got 3; use a smaller window"),
    (AvgPool1d(4, padding=(1,)), (1, 1), "expected a window of at most the input's padded length 3, got 4; use a smaller window"),
    (MaxPool2d((2, 2), padding=(1, 2)), (4, 4, 1), "expected padding smaller than the window 2, got 2"),
    (MaxPool1d(), (4,), r"expected \(length, channels\), got \(4,\)"),
    (GlobalAvgPool2d(), (4, 4), r"expected \(height, width, channels\), got \(4, 4\)"),
    (GlobalMaxPool1d(), (4, 4, 1), r"expected \(length, channels\), got \(4, 4, 1\)"),
    (SqueezeExcite(), (4,), r"expected \(…, channels\) with at least one axis before the channels, got \(4,\)"),
], ids=lambda x: type(x).__name__)
def test_a_shape_that_does_not_fit_is_refused_in_words(layer, shape, says):
    with pytest.raises(ShapeError, match=says):
        layer.output_shape(shape)
