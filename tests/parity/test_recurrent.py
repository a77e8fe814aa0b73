"""rnn, gru and lstm against PyTorch, with packed sequences for masks; truncation, masks with holes and dropout
against the formulas step by step, differentiated by PyTorch; the spiking layer against its formula.
"""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpcore import rng
from bpcore.errors import InvalidInput, ShapeError
from bpcore.gradcheck import workspace
from bpcore.layers import LAYERS, Case
from bpcore.layers.gru import Gru
from bpcore.layers.leaky_integrate_and_fire import LeakyIntegrateAndFire
from bpcore.layers.lstm import Lstm
from bpcore.layers.rnn import Rnn
from bpcore.layers.time_distributed import TimeDistributed

CELLS = pytest.mark.parametrize("kind", [Rnn, Gru, Lstm], ids=lambda kind: kind.__name__.lower())
DRAWN = settings(max_examples=25, derandomize=True, deadline=None)
SIZES = {"batch": st.integers(1, 4), "length": st.integers(1, 6), "features": st.integers(1, 4)}
SEED = st.integers(0, 99)
FLAG = st.booleans()


def run(layer, shape, batch, dtype, seed, mask=None, training=True):
    """The workspace after forward and backward on random numbers; layers may use up dy, so `came` is a copy."""
    random = np.random.default_rng(seed)
    shapes, integers = ((shape,), {}) if mask is None else ((shape, shape[:1]), {1: 2})
    w = workspace(Case(layer, shapes, batch, training, integers), random, dtype)
    for array in w.p.values():
        array *= 0.7  # sums that leave the gates between open and shut
    if mask is not None:
        w.inputs[1][...] = mask
    w.came = random.standard_normal(w.dy.shape).astype(dtype)
    layer.forward(w)
    w.dy[...] = w.came
    layer.backward(w)
    return w


def layers(draw, kind):
    options = {"units": draw(st.integers(1, 4)), "layers": draw(st.integers(1, 3)), "bidirectional": draw(FLAG),
               "return_sequences": draw(FLAG), "bias": draw(FLAG)}
    return kind(**options, **({"nonlinearity": draw(st.sampled_from(["tanh", "relu"]))} if kind is Rnn else {}))


@CELLS
@DRAWN
@given(data=st.data(), padded=FLAG, seed=SEED, **SIZES)
def test_recurrent_layers_are_pytorchs(agrees, kind, data, padded, seed, batch, length, features):
    """On packed sequences. Sums leave the gates between open and shut."""
    lengths = data.draw(st.lists(st.integers(1, length), min_size=batch, max_size=batch))
    mask = (np.arange(length) < np.array(lengths)[:, None]).astype(int) if padded else None
    agrees(layers(data.draw, kind), (length, features), batch=batch, seed=seed, mask=mask, scale=0.7)


@CELLS
@DRAWN
@given(data=st.data(), seed=SEED, truncation=st.integers(0, 4), dropout=st.sampled_from([0.0, 0.4]), **SIZES)
def test_masks_with_holes_truncation_and_dropout_are_the_formulas(agrees, kind, data, seed, truncation, dropout,
                                                                  batch, length, features):
    layer = replace(layers(data.draw, kind), truncation=truncation, dropout=dropout)
    mask = np.random.default_rng(seed).integers(0, 2, (batch, length))
    agrees(layer, (length, features), batch=batch, seed=seed, mask=mask, scale=0.7)


@CELLS
def test_what_stands_at_a_padded_step_changes_nothing(kind):
    """Not even what is no number."""
    layer, mask = kind(units=3, layers=2, bidirectional=True, return_sequences=True), [[1, 1, 0, 1, 0]]
    w = run(layer, (5, 2), 1, np.float64, 0, mask)
    kept = {"y": w.y.copy(), "dx": w.dx.copy(), **{name: g.copy() for name, g in w.g.items()}}
    w.x[:, [2, 4]] = np.nan
    layer.forward(w)
    layer.backward(w)
    for name, array in {"y": w.y, "dx": w.dx, **w.g}.items():
        np.testing.assert_array_equal(array, kept[name], err_msg=name)
    assert not w.y[:, [2, 4]].any()
    assert not w.dx[:, [2, 4]].any()


@CELLS
def test_a_sequence_without_a_valid_step_gives_zeros(kind):
    w = run(kind(units=2), (3, 2), 2, np.float64, 0, np.zeros((2, 3)))
    assert not w.y.any() and not w.dx.any()


@CELLS
def test_dropout_needs_a_level_above_and_training(kind):
    one, two = kind(units=3, dropout=0.5), kind(units=3, layers=2, dropout=0.5)
    for layer, training, same in [(one, True, True), (two, False, True), (two, True, False)]:
        plain = run(replace(layer, dropout=0.0), (4, 2), 2, np.float64, 0)
        assert np.array_equal(run(layer, (4, 2), 2, np.float64, 0, training=training).y, plain.y) == same


@CELLS
def test_parameters_have_pytorchs_names_and_transposed_shapes(torch, kind):
    layer = kind(units=3, layers=2, bidirectional=True)
    module = getattr(torch.nn, kind.__name__.upper())(2, 3, 2, bidirectional=True)
    theirs = {name: tuple(p.shape) for name, p in module.named_parameters()}
    ours = {name: p.shape for name, p in layer.parameters((5, 2)).items()}
    assert ours == {name: shape[::-1] for name, shape in theirs.items()}
    assert layer.torch_axes == {name: (1, 0) for name, shape in theirs.items() if len(shape) == 2}


def test_an_lstm_starts_out_remembering():
    """The second quarter is the forget gate's, as in PyTorch."""
    for layer, value in [(Lstm(units=2), 1.0), (Lstm(units=2, forget_bias=-0.5), -0.5)]:
        bias = np.full(8, np.nan)
        layer.parameters((3, 4))["bias_ih_l0"].initializer.fill(bias, 1, 1, rng.stream(0, rng.INITIALIZER))
        assert bias.tolist() == [0, 0, value, value, 0, 0, 0, 0]


@CELLS
def test_shapes_that_do_not_fit_are_refused_in_words(kind):
    with pytest.raises(ShapeError, match=re.escape("expected (time, features), got (4,)")):
        kind(units=2).output_shape((4,))
    with pytest.raises(ShapeError, match=re.escape("expected a mask of (5,), a 0 or 1 for each step, got (4,)")):
        kind(units=2).output_shape((5, 3), (4,))


@settings(DRAWN, max_examples=60)
@given(seed=SEED, decay=st.sampled_from([0.0, 0.5, 0.9]), threshold=st.sampled_from([0.3, 1.0]), smooth=FLAG,
       surrogate=st.sampled_from(["fast_sigmoid", "arctan"]), slope=st.sampled_from([0.5, 2.0, 10.0]), **SIZES)
def test_spikes_and_their_surrogate_gradient_are_the_formulas(agrees, seed, decay, threshold, smooth, surrogate, slope,
                                                              batch, length, features):
    w = agrees(LeakyIntegrateAndFire(decay, threshold, surrogate, slope, smooth), (length, features), batch=batch, seed=seed)
    assert smooth or set(w.y.ravel()) <= {0, 1}


def test_a_neuron_adds_up_leaks_fires_and_is_set_back():
    """By hand, with decay 1/2 and threshold 1: u = 0.75, 0.375 + 0.75 = 1.125, then 0.125 / 2 + 0.75 = 0.8125."""
    layer = LeakyIntegrateAndFire(decay=0.5)
    w = workspace(Case(layer, ((3, 1),), 1), np.random.default_rng(0))
    w.x[...] = 0.75
    layer.forward(w)
    assert w.y.ravel().tolist() == [0, 1, 0]


INNER = [{"linear": {"units": 3}}, "tanh", {"conv2d": {"filters": 2, "kernel": [2, 1]}}, {"max_pool2d": {"size": 2}},
         {"dropout": {"rate": 0.4}}]


@pytest.mark.parametrize("inner", INNER, ids=lambda inner: inner if isinstance(inner, str) else next(iter(inner)))
def test_a_time_distributed_layer_is_that_layer_at_each_step(inner):
    layer = TimeDistributed(LAYERS.build(inner))
    w = run(layer, (3, 4, 2, 2), 2, np.float64, 0, training=False)
    sums = {name: 0 for name in w.g}
    for t in range(3):
        one = workspace(Case(layer.layer, (w.x.shape[2:],), 2, training=False), np.random.default_rng(0))
        one.x[...], one.dy[...], one.p = w.x[:, t], w.came[:, t], w.p
        layer.layer.forward(one)
        layer.layer.backward(one)
        np.testing.assert_allclose(w.y[:, t], one.y, rtol=1e-12)
        np.testing.assert_allclose(w.dx[:, t], one.dx, rtol=1e-12)
        sums = {name: total + one.g[name] for name, total in sums.items()}
    for name, total in sums.items():
        np.testing.assert_allclose(w.g[name], total, rtol=1e-10)


def test_statistics_of_every_step_move_as_if_each_were_a_sample():
    """What backward writes is divided by the samples, not the steps (bpcore/layers/__init__.py, rule 4)."""
    w = run(TimeDistributed(LAYERS.build("batch_norm")), (4, 3), 5, np.float64, 0)
    np.testing.assert_allclose(w.g["running_mean"] / 5, w.x.mean(axis=(0, 1)), rtol=1e-12)
    np.testing.assert_allclose(w.g["running_var"] / 5, w.x.reshape(-1, 3).var(axis=0, ddof=1), rtol=1e-12)


def test_dropout_draws_anew_for_each_step():
    w = run(TimeDistributed(LAYERS.build({"dropout": {"rate": 0.5}})), (2, 50), 1, np.float64, 0)
    assert ((w.y[:, 0] == 0) != (w.y[:, 1] == 0)).any()


def test_time_distributed_says_what_it_cannot_take():
    with pytest.raises(ShapeError, match=re.escape("expected (time, …), with at least one axis behind, got (4,)")):
        TimeDistributed(LAYERS.build("tanh")).output_shape((4,))
    with pytest.raises(ShapeError, match='expected a layer of one input of numbers, got "add"'):
        TimeDistributed(LAYERS.build("add")).output_shape((4, 3))
    with pytest.raises(InvalidInput, match="^time_distributed.layer: expected a layer: a name, .*, got 3$"):
        LAYERS.build({"time_distributed": {"layer": 3}})
