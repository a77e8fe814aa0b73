"""The first layers against PyTorch: outputs and all gradients, over drawn shapes and options.

Errors are relative to the largest number of an array, or to 1 where that is larger.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpcore import rng
from bpcore.gradcheck import workspace
from bpcore.layers import Case
from bpcore.layers.add import Add
from bpcore.layers.dropout import Dropout
from bpcore.layers.flatten import Flatten
from bpcore.layers.linear import Linear
from bpcore.layers.relu import Relu
from bpcore.layers.sigmoid import Sigmoid
from bpcore.layers.tanh import Tanh

TOLERANCE = {np.float64: 1e-9, np.float32: 1e-5}
DTYPES = pytest.mark.parametrize("dtype", TOLERANCE, ids=["float64", "float32"])
SHAPES = st.lists(st.integers(1, 6), min_size=1, max_size=4).map(tuple)


def linear(torch, x, weight, bias=None):
    return torch.nn.functional.linear(x, weight.T, bias)


# name → its instances, how many inputs they take, and the same in PyTorch
LAYERS = {
    "linear": (st.builds(Linear, st.integers(1, 20), st.booleans()), st.just(1), linear),
    "relu": (st.just(Relu()), st.just(1), lambda torch, x: torch.relu(x)),
    "sigmoid": (st.just(Sigmoid()), st.just(1), lambda torch, x: torch.sigmoid(x)),
    "tanh": (st.just(Tanh()), st.just(1), lambda torch, x: torch.tanh(x)),
    "flatten": (st.just(Flatten()), st.just(1), lambda torch, x: torch.flatten(x, 1)),
    "add": (st.just(Add()), st.integers(2, 5), lambda torch, *xs: torch.stack(xs).sum(dim=0)),
    "dropout": (st.builds(Dropout, st.just(0.0)), st.just(1), lambda torch, x: torch.nn.functional.dropout(x, 0.0)),
}


def error(got, wanted):
    assert got.dtype == wanted.dtype and got.shape == wanted.shape
    return float(np.abs(got - wanted).max() / max(np.abs(wanted).max(), 1))


@DTYPES
@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_is_pytorchs(torch, name, dtype, record_property):
    worst, (layers, count, function) = [], LAYERS[name]

    @settings(derandomize=True, max_examples=30, deadline=None)
    @given(layers, count, SHAPES, st.integers(1, 4), st.sampled_from([0.1, 1.0, 30.0]), st.integers(0, 2**31))
    def check(layer, inputs, shape, batch, scale, seed):
        random = np.random.default_rng(seed)
        w = workspace(Case(layer, [shape] * inputs, batch), random, dtype)
        for x in w.inputs:
            x *= scale
            x[random.random(x.shape) < 0.1] = 0  # the kink of relu
        dy = random.standard_normal(w.y.shape).astype(dtype)
        w.dy[...] = dy
        layer.forward(w)
        layer.backward(w)
        xs = [torch.tensor(x, requires_grad=True) for x in w.inputs]
        p = {key: torch.tensor(array, requires_grad=True) for key, array in w.p.items()}
        y = function(torch, *xs, **p)
        y.backward(torch.tensor(dy))
        pairs = [(w.y, y.detach()), *((dx, x.grad) for dx, x in zip(w.dinputs, xs)), *((w.g[key], p[key].grad) for key in p)]
        worst.append(max(error(got, wanted.numpy()) for got, wanted in pairs))
        assert worst[-1] <= TOLERANCE[dtype]

    check()
    record_property("error", max(worst))


# dropout draws its own mask: what is compared is all that does not depend on the draw

N = 40_000


def dropped(rate, dtype, training=True, seed=1):
    w = workspace(Case(Dropout(rate), [(N,)], batch=1, training=training), np.random.default_rng(0), dtype)
    w.rng = lambda: rng.stream(seed, rng.LAYER)
    Dropout(rate).forward(w)
    w.dy[...] = np.random.default_rng(2).standard_normal(w.dy.shape)
    Dropout(rate).backward(w)
    return w


@DTYPES
@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_drops_as_often_as_pytorch_and_scales_alike(torch, rate, dtype):
    """Within five standard errors √(rate (1 − rate) / n), for PyTorch's mask and for ours."""
    w = dropped(rate, dtype)
    torch.manual_seed(0)
    theirs = torch.nn.functional.dropout(torch.tensor(w.x), rate).numpy()
    for y in (w.y, theirs):
        assert abs(np.mean(y == 0) - rate) < 5 * np.sqrt(rate * (1 - rate) / N)
    both = (w.y != 0) & (theirs != 0)
    assert error(w.y[both], theirs[both]) <= TOLERANCE[dtype]


@DTYPES
def test_the_gradient_of_dropout_is_that_of_pytorch_under_our_mask(torch, dtype):
    w = dropped(0.4, dtype)
    x, mask = torch.tensor(w.x, requires_grad=True), torch.tensor(w.y != 0)
    (x * mask / (1 - 0.4)).backward(torch.tensor(w.dy))
    assert error(w.dx, x.grad.numpy()) <= TOLERANCE[dtype]


@DTYPES
def test_dropout_in_evaluation_is_the_identity_as_in_pytorch(torch, dtype):
    w = dropped(0.4, dtype, training=False)
    assert np.array_equal(w.y, torch.nn.functional.dropout(torch.tensor(w.x), 0.4, training=False).numpy())
    assert np.array_equal(w.dx, w.dy)
