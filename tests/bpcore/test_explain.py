"""Explanations, against what can be known: a linear model's contributions, and completeness."""

import numpy as np
import pytest

from bpcore import Model, explain, parse

LAYERS = [{"kind": "conv2d", "attributes": {"filters": 3, "kernel": 3}}, {"kind": "tanh"}, {"kind": "flatten"},
          {"kind": "linear", "attributes": {"units": 4}}]


def model_of(layers, shape):
    return Model(parse({"model": {"input": shape, "layers": layers}, "loss": "softmax_cross_entropy", "optimizer": "sgd"}), dtype=np.float64)


@pytest.fixture
def linear():
    """A linear model: f = x W, so ∂f/∂x is a column of W."""
    model = model_of([{"kind": "linear", "attributes": {"units": 3}}], [5])
    return model, model.initialize(1), {"x": np.random.default_rng(0).standard_normal((4, 5))}, np.array([0, 2, 1, 0])


@pytest.fixture
def net():
    model = model_of(LAYERS, [6, 6, 1])
    return model, model.initialize(1), {"x": np.random.default_rng(0).standard_normal((3, 6, 6, 1))}, np.array([3, 0, 1])


def test_saliency_of_a_linear_model_is_its_weights(linear):
    model, parameters, _, output = linear
    assert explain.saliency(*linear) == pytest.approx(parameters.named()["linear_0.weight"].T[output])


def test_all_ways_agree_on_a_linear_model(linear):
    _, parameters, batch, output = linear
    expected = batch["x"] * parameters.named()["linear_0.weight"].T[output]
    assert explain.gradient_times_input(*linear) == pytest.approx(expected)
    assert explain.integrated_gradients(*linear, steps=3) == pytest.approx(expected)
    assert explain.smooth_grad(*linear) == pytest.approx(explain.saliency(*linear))


def test_integrated_gradients_add_up_to_the_outputs_difference(net):
    contributions = explain.integrated_gradients(*net, steps=128)
    assert explain.completeness_error(*net, contributions).max() < 0.01


def test_occlusion_of_everything_takes_the_whole_output_away(net):
    model, parameters, batch, output = net
    whole = model.predict(parameters, batch)[range(3), output]
    nothing = model.predict(parameters, {"x": np.zeros_like(batch["x"])})[range(3), output]
    assert explain.occlusion(*net, window=13)[:, 3, 3] == pytest.approx(whole - nothing)


def test_explaining_leaves_training_as_it_was(net):
    from bpcore.plan import Key

    model, parameters, batch, output = net
    batch, out = batch | {"y": output}, model.layout.zeros(np.float64)
    before = model.gradient(parameters, batch, out, Key(0, 0, 0)), out.flat.copy()
    explain.saliency(model, parameters, batch, output)
    assert (model.gradient(parameters, batch, out, Key(0, 0, 0)) == before[0]).all() and (out.flat == before[1]).all()
