"""What joins, cuts and turns arrays, and layers that share weights: against PyTorch, and by finite
differences of whole models."""

import re

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bpcore import Model, parse
from bpcore.errors import InvalidInput, ShapeError
from bpcore.gradcheck import workspace
from bpcore.layers import LAYERS, Case
from bpcore.layers.bilinear import Bilinear
from bpcore.layers.concat import Concat
from bpcore.layers.linear import Linear
from bpcore.layers.multiply import Multiply
from bpcore.layers.reshape import Reshape
from bpcore.layers.slice import Slice
from bpcore.layers.subtract import Subtract
from bpcore.layers.transpose import Transpose
from bpcore.model import Key

SIZES = st.integers(1, 6)
SHAPES = st.lists(SIZES, min_size=1, max_size=4).map(tuple)


@st.composite
def alike(draw, layers, least, most):
    return draw(layers), [draw(SHAPES)] * draw(st.integers(least, most))


@st.composite
def joined(draw):
    shape = draw(SHAPES)
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    sizes = draw(st.lists(SIZES, min_size=2, max_size=4))
    place = axis % len(shape)
    return Concat(axis), [(*shape[:place], size, *shape[place + 1:]) for size in sizes]


@st.composite
def cut(draw):
    shape = draw(SHAPES)
    ends = st.none() | st.integers(-7, 7)
    layer = Slice(draw(st.integers(-len(shape), len(shape) - 1)), draw(ends), draw(ends), draw(st.sampled_from([1, 2, 3, -1, -2])))
    assume(range(*slice(layer.start, layer.stop, layer.step).indices(shape[layer.axis])))
    return layer, [shape]


@st.composite
def reshaped(draw):
    """The same sizes in another order, some of them merged, one perhaps left open."""
    shape = draw(SHAPES)
    target = list(draw(st.permutations(shape)))
    if draw(st.booleans()):
        target[draw(st.integers(0, len(target) - 1))] = -1
    elif len(target) > 1:
        target[:2] = [target[0] * target[1]]
    return Reshape(tuple(target)), [shape]


@st.composite
def turned(draw):
    shape = draw(SHAPES)
    return Transpose(tuple(draw(st.permutations(range(len(shape)))))), [shape]


@st.composite
def crossed(draw):
    lead = tuple(draw(st.lists(SIZES, max_size=2)))
    return Bilinear(draw(SIZES), draw(st.booleans())), [(*lead, draw(SIZES)), (*lead, draw(SIZES))]


@st.composite
def dense(draw):
    return Linear(draw(SIZES), draw(st.booleans()), draw(st.booleans())), [draw(SHAPES)]


# name → its instances with the shapes of their inputs
STRUCTURE = {
    "multiply": alike(st.just(Multiply()), 2, 4), "subtract": alike(st.just(Subtract()), 2, 2), "concat": joined(), "slice": cut(),
    "reshape": reshaped(), "transpose": turned(), "bilinear": crossed(), "linear": dense(),
}


@pytest.mark.parametrize("name", STRUCTURE)
def test_a_layer_is_pytorchs(agrees, name):
    @settings(derandomize=True, max_examples=30, deadline=None)
    @given(STRUCTURE[name], st.integers(1, 4), st.integers(0, 2**31))
    def check(layer_and_shapes, batch, seed):
        layer, shapes = layer_and_shapes
        agrees(layer, *shapes, batch=batch, seed=seed)

    check()


@pytest.mark.parametrize(("layer", "axes"), [(Linear(3), (1, 0)), (Linear(3, transposed=True), None), (Bilinear(3), (1, 2, 0))],
                         ids=["linear", "transposed", "bilinear"])
def test_a_weight_from_pytorch_is_turned_into_ours(torch, layer, axes):
    """`torch_axes` says how; the module of PyTorch gives the array."""
    module = torch.nn.Bilinear(4, 2, 3) if isinstance(layer, Bilinear) else torch.nn.Linear(4, 3)
    shapes = [(4,), (2,)] if isinstance(layer, Bilinear) else [(4,)]
    assert layer.torch_axes.get("weight") == axes
    w = workspace(Case(layer, shapes), np.random.default_rng(0))
    theirs = module.weight.detach().numpy()
    w.p["weight"][...] = theirs if axes is None else theirs.transpose(axes)
    w.p["bias"][...] = module.bias.detach().numpy()
    layer.forward(w)
    wanted = module.double()(*(torch.tensor(x) for x in w.inputs)).detach().numpy()
    np.testing.assert_allclose(w.y, wanted, rtol=1e-12)


# Layers that share weights, in whole models

def layer(kind, name, inputs=(), share="", **attributes):
    return {"kind": kind, "name": name, "inputs": list(inputs), "share": share, "attributes": attributes}


def model(layers, inputs, loss="mse"):
    job = {"model": {"inputs": inputs, "layers": layers}, "loss": {"kind": loss}, "optimizer": {"kind": "sgd"}}
    return Model(parse(job), np.float64)


CHAIN = [layer("linear", "a", units=3), layer("tanh", "b"), layer("linear", "c", share="a", units=3), layer("tanh", "d"),
         layer("linear", "e", share="c", units=3)]
TOWERS = [layer("linear", "left", ["one"], units=4), layer("linear", "right", ["two"], share="left", units=4),
          layer("tanh", "l", ["left"]), layer("tanh", "r", ["right"]), layer("multiply", "product", ["l", "r"]),
          layer("subtract", "difference", ["l", "r"]), layer("concat", "both", ["product", "difference", "l"]), layer("linear", "out", units=2)]
AUTOENCODER = [layer("linear", "encode", bias=False, units=2), layer("tanh", "code"),
               layer("linear", "decode", share="encode", transposed=True, units=5)]
TIED = [layer("embedding", "read", ["tokens"], vocabulary=7, units=4), layer("linear", "mix", units=4), layer("gelu", "bend"),
        layer("linear", "write", share="read", transposed=True, units=7)]
MODELS = {
    "a chain": (CHAIN, {"x": {"shape": [3]}}, "mse"),
    "two towers": (TOWERS, {"one": {"shape": [3]}, "two": {"shape": [3]}}, "mse"),
    "an autoencoder": (AUTOENCODER, {"x": {"shape": [5]}}, "mse"),
    "a tied embedding": (TIED, {"tokens": {"shape": [6], "integer": True}}, "softmax_cross_entropy"),
}
each_model = pytest.mark.parametrize("name", MODELS)
KEY = Key(seed=1, step=0, shard=0)


def batch_of(m, n=4):
    random = np.random.default_rng(2)
    batch = {given.field: random.integers(0, 7, (n, *given.shape)) if given.integer else random.standard_normal((n, *given.shape))
             for given in m.spec.graph.inputs}
    output = m.spec.output(m.spec.heads[0])
    tokens = "tokens" in batch
    return batch | {"y": random.integers(0, 7, (n, *output[:-1])) if tokens else random.standard_normal((n, *output))}


def gradient(m, p, batch):
    """(loss sum, gradient)."""
    out = m.layout.zeros(m.dtype)
    return m.gradient(p, batch, out, KEY)[0], out


@each_model
def test_every_shared_number_has_the_right_gradient(name):
    """One at a time, in float64: (f(p + h) − f(p − h)) / 2h."""
    m, h = model(*MODELS[name]), 1e-6
    p, batch = m.initialize(1), batch_of(m)
    _, g = gradient(m, p, batch)
    for full_name, view in p.named().items():
        for place in np.ndindex(view.shape):
            start, losses = view[place], []
            for view[place] in (start + h, start - h):
                losses.append(gradient(m, p, batch)[0])
            view[place] = start
            numeric = (losses[0] - losses[1]) / (2 * h)
            assert g.named()[full_name][place] == pytest.approx(numeric, rel=1e-6, abs=1e-8), (full_name, place)


@each_model
def test_a_shared_parameter_is_there_once(name):
    m = model(*MODELS[name])
    names = {"a chain": {"a.weight", "a.bias"}, "two towers": {"left.weight", "left.bias", "out.weight", "out.bias"},
             "an autoencoder": {"encode.weight", "decode.bias"},
             "a tied embedding": {"read.weight", "mix.weight", "mix.bias", "write.bias"}}[name]
    assert set(m.initialize(1).named()) == names


def test_a_tied_language_model_is_pytorchs(torch, agree):
    m = model(*MODELS["a tied embedding"])
    p, batch = m.initialize(1), batch_of(m)
    p.nodes[3]["bias"][...] = [0.1, -0.2, 0.3, 0, 0.5, -0.6, 0.7]
    total, g = gradient(m, p, batch)
    t = {name: torch.tensor(view, requires_grad=True) for name, view in p.named().items()}
    hidden = torch.nn.functional.embedding(torch.tensor(batch["tokens"]), t["read.weight"])
    hidden = torch.nn.functional.gelu(hidden @ t["mix.weight"] + t["mix.bias"])
    scores = torch.nn.functional.linear(hidden, t["read.weight"], t["write.bias"])
    loss = torch.nn.functional.cross_entropy(scores.reshape(-1, 7), torch.tensor(batch["y"]).reshape(-1), reduction="sum")
    loss.backward()
    assert total == pytest.approx(loss.item(), rel=1e-12)
    for name, view in g.named().items():
        agree(Linear, view, t[name].grad)


def test_two_towers_are_pytorchs(torch, agree):
    m = model(*MODELS["two towers"])
    p, batch = m.initialize(1), batch_of(m)
    total, g = gradient(m, p, batch)
    t = {name: torch.tensor(view, requires_grad=True) for name, view in p.named().items()}
    l, r = (torch.tanh(torch.tensor(batch[field]) @ t["left.weight"] + t["left.bias"]) for field in ("one", "two"))
    y = torch.cat([l * r, l - r, l], 1) @ t["out.weight"] + t["out.bias"]
    loss = ((y - torch.tensor(batch["y"])) ** 2).sum()
    loss.backward()
    assert total == pytest.approx(loss.item(), rel=1e-12)
    for name, view in g.named().items():
        agree(Linear, view, t[name].grad)


def test_equal_inputs_make_equal_towers():
    m = model(*MODELS["two towers"])
    batch = batch_of(m)
    swapped = batch | {"one": batch["two"], "two": batch["one"]}
    same = batch | {"two": batch["one"]}
    p = m.initialize(3)
    p.nodes[-1]["weight"][4:] = 0  # of the product alone, the order does not matter
    assert np.array_equal(m.predict(p, batch), m.predict(p, swapped))
    assert not np.array_equal(m.predict(p, batch), m.predict(p, same))


def test_one_array_may_be_read_twice():
    """y = x · x has the gradient 2 x, summed over both readings."""
    m = model([layer("linear", "a", units=2), layer("multiply", "square", ["a", "a"])], {"x": {"shape": [2]}})
    p, batch = m.initialize(1), batch_of(m)
    z = batch["x"] @ p.nodes[0]["weight"]
    wanted = batch["x"].T @ (2 * (z * z - batch["y"]) * 2 * z)
    np.testing.assert_allclose(gradient(m, p, batch)[1].nodes[0]["weight"], wanted, rtol=1e-12)


# What does not fit

@pytest.mark.parametrize(("refused", "shapes", "text"), [
    (Multiply(), [(2, 3), (2, 1)], "expected inputs of one shape, (2, 3), got (2, 1)"),
    (Subtract(), [(2,), (3,)], "expected inputs of one shape, (2,), got (3,)"),
    (Concat(0), [(2, 3), (2, 4)], "expected inputs that differ in axis 0 alone from (2, 3), got (2, 4)"),
    (Concat(), [(2, 3), (3,)], "expected inputs that differ in axis -1 alone from (2, 3), got (3,)"),
    (Concat(2), [(2, 3), (2, 3)], "expected an input that has an axis 2, got (2, 3); axes count from 0, without the batch"),
    (Slice(-3), [(2, 3)], "expected an input that has an axis -3, got (2, 3); axes count from 0, without the batch"),
    (Slice(1, 3), [(2, 3)], "expected a slice that takes something of axis 1, whose size is 3, got (3:None:1) of (2, 3)"),
    (Reshape((4, 2)), [(3, 3)], "expected 8 numbers, to be of shape (4, 2), got (3, 3); use -1 for the axis that is to fit"),
    (Reshape((4, -1)), [(3, 3)], "expected 4 numbers or a multiple, to be of shape (4, -1), got (3, 3); use -1 for the axis that is to fit"),
    (Transpose((1, 0)), [(2, 3, 4)], "expected 2 axes, as many as in [1, 0], got (2, 3, 4)"),
    (Bilinear(2), [(4, 3), (5, 3)], "expected two inputs with the same axes but the last, as in (4, 3), got (5, 3)"),
    (Bilinear(2), [(), ()], "expected (…, features), got ()"),
], ids=lambda value: type(value).__name__ if hasattr(value, "forward") else "")
def test_a_shape_that_does_not_fit_is_refused(refused, shapes, text):
    with pytest.raises(ShapeError, match=f"^{re.escape(text)}$"):
        refused.output_shape(*shapes)


@pytest.mark.parametrize(("component", "text"), [
    ({"slice": {"step": 0}}, "slice.step: expected an integer other than 0, got 0"),
    ({"slice": {"start": 0.5}}, "slice.start: expected an integer, got 0.5"),
    ({"concat": {"axis": "last"}}, 'concat.axis: expected an axis of a sample, such as 0 or -1, got "last"'),
    ({"reshape": {"shape": [-1, -1]}}, "reshape.shape: expected a list of positive integers, one of which may be -1, got [-1, -1]"),
    ({"reshape": {}}, "reshape.shape: expected a list of positive integers, one of which may be -1, but it is missing"),
    ({"transpose": {"axes": [1, 2]}}, "transpose.axes: expected the sample's axes from 0 in their new order, such as [1, 0], got [1, 2]"),
], ids=str)
def test_an_attribute_that_does_not_fit_is_refused(component, text):
    with pytest.raises(InvalidInput, match=f"^{re.escape(text)}$"):
        LAYERS.build(component)


def test_what_json_brings_is_understood():
    """Its numbers are floats, all of them."""
    assert LAYERS.build({"slice": {"axis": 0.0, "stop": -2.0}}) == Slice(0, None, -2)
    assert LAYERS.build({"reshape": {"shape": [2.0, -1.0]}}) == Reshape((2, -1))


@pytest.mark.parametrize(("layers", "text"), [
    ([layer("linear", "a", units=3), layer("linear", "b", share="a", units=4)],
     'model.layers[1].share: expected "weight" of (5, 3), as a has it, got (3, 4)'),
    ([layer("linear", "a", units=3), layer("linear", "b", share="aa", units=3)],
     'model.layers[1].share: unknown earlier layer "aa"; did you mean a? known: a'),
    ([layer("tanh", "a"), layer("linear", "b", share="a", units=3)],
     'model.layers[1].share: expected a layer with parameters of the same names, got "a", which has none'),
], ids=["shape", "name", "nothing to share"])
def test_sharing_what_does_not_fit_is_refused(layers, text):
    with pytest.raises(InvalidInput) as caught:
        model(layers, {"x": {"shape": [5]}})
    assert str(caught.value) == text
