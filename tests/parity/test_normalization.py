"""Norms against PyTorch over drawn shapes and options, in training and evaluation, and batch_norm's running
statistics over shards; spatial_dropout against its formula."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpcore.errors import ShapeError
from bpcore.gradcheck import workspace
from bpcore.layers import Case
from bpcore.layers.batch_norm import BatchNorm
from bpcore.layers.group_norm import GroupNorm
from bpcore.layers.layer_norm import LayerNorm
from bpcore.layers.rms_norm import RmsNorm
from bpcore.layers.spatial_dropout import SpatialDropout

DRAWN = settings(max_examples=80, derandomize=True, deadline=None, database=None)
BATCHES = st.integers(1, 4)
SHAPES = st.lists(st.integers(1, 6), min_size=1, max_size=3).map(tuple)
EPSILONS = st.sampled_from([1e-5, 1e-3, 0.1])


@given(SHAPES, st.integers(2, 5), EPSILONS)
@DRAWN
def test_batch_norm_in_training_is_pytorchs_and_so_are_its_statistics(agrees, agree, torch, shape, batch, epsilon):
    """With a momentum of 1 PyTorch's running statistics are the batch's."""
    mean, variance = torch.zeros(shape[-1], dtype=torch.float64), torch.zeros(shape[-1], dtype=torch.float64)
    w = agrees(BatchNorm(epsilon=epsilon), shape, batch=batch)
    torch.nn.functional.batch_norm(torch.tensor(w.x).movedim(-1, 1), mean, variance, None, None, True, 1.0, epsilon)
    agree(BatchNorm, w.g["running_mean"] / batch, mean)
    agree(BatchNorm, w.g["running_var"] / batch, variance)


@given(SHAPES, BATCHES, EPSILONS)
@DRAWN
def test_batch_norm_in_evaluation_is_pytorchs(agrees, agree, shape, batch, epsilon):
    w = agrees(BatchNorm(epsilon=epsilon), shape, batch=batch, training=False)
    for name in ("running_mean", "running_var"):  # an update moves them to where they are
        agree(BatchNorm, w.g[name] / batch, w.p[name])


@st.composite
def last_axes(draw, kind):
    shape = draw(SHAPES)
    return kind(draw(st.integers(1, len(shape))), draw(EPSILONS)), shape


@given(last_axes(LayerNorm), BATCHES)
@DRAWN
def test_layer_norm_is_pytorchs(agrees, drawn, batch):
    layer, shape = drawn
    agrees(layer, shape, batch=batch)


@given(last_axes(RmsNorm), BATCHES)
@DRAWN
def test_rms_norm_is_pytorchs(agrees, drawn, batch):
    layer, shape = drawn
    agrees(layer, shape, batch=batch)


@given(st.integers(1, 3), st.integers(1, 3), st.lists(st.integers(1, 5), max_size=2), BATCHES, EPSILONS)
@DRAWN
def test_group_norm_is_pytorchs(agrees, groups, size, places, batch, epsilon):
    agrees(GroupNorm(groups, epsilon), (*places, groups * size), batch=batch)


def test_as_many_groups_as_channels_are_instance_norm(agree, torch):
    w = workspace(Case(GroupNorm(3), [(4, 5, 3)]), np.random.default_rng(0))
    GroupNorm(3).forward(w)
    x, gamma, beta = (torch.tensor(array) for array in (w.x, w.p["gamma"], w.p["beta"]))
    agree(GroupNorm, w.y, torch.nn.functional.instance_norm(x.movedim(-1, 1), None, None, gamma, beta).movedim(1, -1))


@pytest.mark.parametrize("layer", [BatchNorm(), LayerNorm(), GroupNorm(2)], ids=lambda x: type(x).__name__)
def test_a_large_mean_costs_no_accuracy(agrees, layer):
    """The variance is that of x − μ: that of x² − μ² would have no digit left in float32."""
    # Whole numbers, which float32 has exactly; it has the mean to 3e-5, of a deviation of 5.5.
    agrees(layer, (8, 8, 256), batch=4, values=lambda random, shape: 512 + random.integers(-9, 10, shape))


@pytest.mark.parametrize("shards", [(8,), (4, 4), (3, 5), (1, 7), (2, 2, 2, 2)], ids=str)
def test_running_statistics_are_means_over_shards_weighted_by_samples(shards):
    x, layer = np.random.default_rng(0).standard_normal((8, 3, 2)), BatchNorm()
    total, wanted, start = {"running_mean": 0, "running_var": 0}, {"running_mean": 0, "running_var": 0}, 0
    for n in shards:
        part = x[start:start + n]
        w = workspace(Case(layer, [(3, 2)], n), np.random.default_rng(1))
        w.x[...] = part
        layer.forward(w)
        layer.backward(w)
        start += n
        for name, value in (("running_mean", part.mean(axis=(0, 1))), ("running_var", part.reshape(-1, 2).var(axis=0, ddof=1))):
            total[name] = total[name] + w.g[name]
            wanted[name] = wanted[name] + value * n / 8
    for name in total:
        np.testing.assert_allclose(total[name] / 8, wanted[name], rtol=1e-12)
    np.testing.assert_allclose(wanted["running_mean"], x.mean(axis=(0, 1)), rtol=1e-12)


def test_a_single_value_has_the_variance_0():
    layer = BatchNorm()
    w = workspace(Case(layer, [(3,)], 1), np.random.default_rng(0))
    layer.forward(w)
    layer.backward(w)
    assert np.array_equal(w.y[0], w.p["beta"]) and not w.g["running_var"].any() and not w.dx.any()


@given(st.sampled_from([0.0, 0.2, 0.5, 0.9]), st.lists(st.integers(1, 6), min_size=2, max_size=3).map(tuple), BATCHES, st.booleans())
@DRAWN
def test_spatial_dropout_drops_whole_channels(agrees, rate, shape, batch, training):
    """One number of the same stream for each sample and channel; what is kept is scaled."""
    agrees(SpatialDropout(rate), shape, batch=batch, training=training)


def test_spatial_dropout_keeps_the_mean():
    """6,400 channels at rate 0.3: the share kept is 0.7 with a standard deviation of 0.006."""
    w = workspace(Case(SpatialDropout(0.3), [(2, 64)], 100), np.random.default_rng(0))
    w.x.fill(1)
    SpatialDropout(0.3).forward(w)
    assert abs((w.y > 0).mean() - 0.7) < 0.02 and abs(w.y.mean() - 1) < 0.03


@pytest.mark.parametrize(("layer", "shape", "says"), [
    (BatchNorm(), (), r"expected \(…, channels\), got \(\)"),
    (LayerNorm(), (), r"expected \(…, features\), got \(\)"),
    (RmsNorm(axes=2), (4,), r"expected at least 2 axes, got \(4,\); use fewer axes"),
    (GroupNorm(4), (3, 6), r"expected \(…, channels\) with a number of channels that 4 groups divide, got \(3, 6\)"),
    (SpatialDropout(), (4,), r"expected \(…, channels\) with at least one axis before the channels, got \(4,\); use dropout"),
], ids=lambda x: type(x).__name__)
def test_a_shape_that_does_not_fit_is_refused_in_words(layer, shape, says):
    with pytest.raises(ShapeError, match=says):
        layer.output_shape(shape)
