"""What is not finite is named: the data, the parameter, the layer, the loss that it came from first."""

from dataclasses import dataclass

import numpy as np
import pytest

from bpcore import Model, parse
from bpcore.finite import first_not_finite, message
from bpcore.layers import LAYERS, Layer
from bpcore.plan import Key

KEY = Key(seed=1, step=0, shard=0)
LAYERS_OF_ALL = [{"kind": "conv2d", "name": "stem", "attributes": {"filters": 2, "kernel": 2}}, {"kind": "tanh", "name": "tanh_1"},
                 {"kind": "flatten", "name": "flatten_2"}, {"kind": "linear", "name": "head", "attributes": {"units": 2}}]
RANDOM = np.random.default_rng(2)
BATCH = {"x": RANDOM.standard_normal((5, 3, 3, 1)), "y": np.abs(RANDOM.standard_normal((5, 2)))}


@dataclass(frozen=True)
class Steep(Layer):
    """y = 1 + ∛(x − x): as finite as can be, but for its slope."""

    def output_shape(self, x):
        return x

    def forward(self, w):
        w.y.fill(1)

    def backward(self, w):
        if w.dx is not None:
            w.dx.fill(np.inf)


Steep.__module__ = "bpcore.layers.steep"  # a layer's name is its file's


def model(layers=LAYERS_OF_ALL, loss="mse", **job):
    return Model(parse({"model": {"input": [3, 3, 1], "layers": layers}, "loss": loss, "optimizer": "sgd"} | job))


def found(m, batch=BATCH, change=None):
    """What is said of a step, after `change(named parameters)`."""
    p = m.initialize(1)
    if change:
        change(p.named())
    return first_not_finite(m, p, batch, KEY)


def test_where_all_is_finite_nothing_is_said():
    assert found(model()) is None


def test_a_layer_that_overflows_is_named():
    """tanh behind it would hide the infinity: what comes first is named, not what is seen last."""
    told = found(model(), BATCH | {"x": np.ones((5, 3, 3, 1))}, lambda p: p["stem.weight"].fill(3e38))
    assert told == 'layer 0 (conv2d "stem") gave inf from finite inputs'


def test_a_layer_without_a_name_of_its_own_goes_by_place_and_kind():
    """Minus eight numbers of 3e38 are more than float32 can hold."""
    layers = [*LAYERS_OF_ALL[:3], {"kind": "linear", "name": "linear_3", "attributes": {"units": 2}}]

    def change(p):
        p["stem.weight"].fill(-9)
        p["linear_3.weight"].fill(3e38)

    assert found(model(layers), BATCH | {"x": np.ones((5, 3, 3, 1))}, change) == "layer 3 (linear) gave -inf from finite inputs"


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_data_that_hold_no_number_are_named(bad):
    x = BATCH["x"].copy()
    x[3, 1, 1] = bad
    assert found(model(), BATCH | {"x": x}) == f'the data\'s field "x" holds {bad:g}'


def test_a_parameter_that_an_update_broke_is_named():
    def change(p):
        p["head.bias"][1] = -np.inf

    assert found(model(), change=change) == 'the parameter head.bias of layer 3 (linear "head") is -inf, by an earlier step\'s update'


def test_a_loss_that_overflows_is_named():
    """e¹⁰⁰ is more than float32 can hold."""
    assert found(model(loss="poisson"), change=lambda p: p["head.bias"].fill(100)) == (
        'the loss poisson gave inf from finite outputs of layer 3 (linear "head")')


def test_targets_that_hold_no_number_are_seen_in_the_loss():
    assert found(model(), BATCH | {"y": np.full((5, 2), np.nan)}) == 'the loss mse gave nan from finite outputs of layer 3 (linear "head")'


def test_a_gradient_that_overflows_at_a_finite_loss_is_named(monkeypatch):
    monkeypatch.setitem(LAYERS.types, "steep", Steep)
    layers = [LAYERS_OF_ALL[0], {"kind": "steep", "name": "gate"}, *LAYERS_OF_ALL[2:]]
    assert found(model(layers)) == 'layer 1 (steep "gate") gave a gradient of inf for its input from finite ones'


def test_a_parameters_gradient_that_overflows_is_named():
    """Inputs of 1e30, weights of 1e-20 and errors of about 1e10: every output is finite, the weights' gradient is not."""
    layers = [{"kind": "flatten", "name": "flat"}, {"kind": "linear", "name": "head", "attributes": {"units": 2}}]
    batch = {"x": np.full((5, 3, 3, 1), 1e30), "y": np.zeros((5, 2))}
    assert found(model(layers), batch, lambda p: p["head.weight"].fill(1e-20)) == (
        'layer 1 (linear "head") gave a gradient of inf for its weight from finite ones')


def test_gradients_that_overflow_only_together_are_told_of_where_they_meet():
    """Two heads read one output, each with a gradient of 2e38."""
    losses = [{"loss": {"kind": "mae"}, "output": "head", "target": field, "scale": 2e38} for field in ("y", "z")]
    m = model(loss=None, losses=losses)
    batch = BATCH | {"y": np.full((5, 2), -9.0), "z": np.full((5, 2), -9.0)}
    assert found(m, batch) == 'the gradients that reach layer 3 (linear "head") add up to inf'


def test_random_layers_draw_what_they_drew_in_the_step(monkeypatch):
    """A unit is infinite where dropout keeps it: the step's own key says whether it was."""
    layers = [{"kind": "flatten", "name": "flat"}, {"kind": "dropout", "name": "drop", "attributes": {"rate": 0.9}},
              {"kind": "linear", "name": "head", "attributes": {"units": 2}}]
    m, batch = model(layers), {"x": np.full((1, 3, 3, 1), 1e38), "y": np.zeros((1, 2))}
    p = m.initialize(1)
    told = {first_not_finite(m, p, batch, Key(1, step, 0)) for step in range(40)}
    assert told == {None, 'layer 1 (dropout "drop") gave inf from finite inputs'}
    assert first_not_finite(m, p, batch, Key(1, 3, 0)) == first_not_finite(m, p, batch, Key(1, 3, 0))


@pytest.mark.parametrize(("loss", "cause", "text"), [
    (np.nan, 'layer 3 (conv2d "stem") gave inf from finite inputs',
     'the loss is nan in step 412: layer 3 (conv2d "stem") gave inf from finite inputs; lower the learning rate, or look at the data of this step'),
    (np.inf, None, "the loss is inf in step 412: not a finite number; lower the learning rate, or look at the data of this step"),
    (1.25, 'layer 1 (linear) gave a gradient of inf for its weight from finite ones',
     "the gradient is not finite in step 412, at a loss of 1.25: layer 1 (linear) gave a gradient of inf for its weight from finite ones; "
     "lower the learning rate, or look at the data of this step"),
    (1.25, None, "the gradient is not finite in step 412, at a loss of 1.25: its sum over the shards is too large; "
                 "lower the learning rate, or look at the data of this step"),
    (0.5, "a metric gave NaN from finite outputs", "a metric is not finite in step 412: a metric gave NaN from finite outputs; lower the learning rate, or look at "
                                                   "the data of this step"),
], ids=str)
def test_the_sentence_says_what_where_and_what_to_do(loss, cause, text):
    assert message(412, loss, cause) == text
