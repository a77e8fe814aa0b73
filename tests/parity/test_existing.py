"""The first layers against PyTorch: outputs and all gradients, over drawn shapes and options."""

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

DTYPES = pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["float64", "float32"])
SHAPES = st.lists(st.integers(1, 6), min_size=1, max_size=4).map(tuple)


# name → its instances, and how many inputs they take
LAYERS = {
    "linear": (st.builds(Linear, st.integers(1, 20), st.booleans()), st.just(1)),
    "relu": (st.just(Relu()), st.just(1)),
    "sigmoid": (st.just(Sigmoid()), st.just(1)),
    "tanh": (st.just(Tanh()), st.just(1)),
    "flatten": (st.just(Flatten()), st.just(1)),
    "add": (st.just(Add()), st.integers(2, 5)),
    "dropout": (st.builds(Dropout, st.sampled_from([0.0, 0.3])), st.just(1)),
}


def with_zeros(scale):
    """Draws numbers of that size, one in ten at the kink of relu."""
    return lambda random, shape: scale * random.standard_normal(shape) * (random.random(shape) >= 0.1)


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_is_pytorchs(agrees, name):
    layers, count = LAYERS[name]

    @settings(derandomize=True, max_examples=30, deadline=None)
    @given(layers, count, SHAPES, st.integers(1, 4), st.sampled_from([0.1, 1.0, 30.0]), st.integers(0, 2**31))
    def check(layer, inputs, shape, batch, scale, seed):
        agrees(layer, *[shape] * inputs, batch=batch, seed=seed, values=with_zeros(scale))

    check()


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
def test_dropout_drops_as_often_as_pytorch_and_scales_alike(torch, agree, rate, dtype):
    """Within five standard errors √(rate (1 − rate) / n), for PyTorch's mask and for ours."""
    w = dropped(rate, dtype)
    torch.manual_seed(0)
    theirs = torch.nn.functional.dropout(torch.tensor(w.x), rate).numpy()
    for y in (w.y, theirs):
        assert abs(np.mean(y == 0) - rate) < 5 * np.sqrt(rate * (1 - rate) / N)
    both = (w.y != 0) & (theirs != 0)
    agree(Dropout, w.y[both], theirs[both])


@DTYPES
def test_dropout_in_evaluation_is_the_identity_as_in_pytorch(torch, dtype):
    w = dropped(0.4, dtype, training=False)
    assert np.array_equal(w.y, torch.nn.functional.dropout(torch.tensor(w.x), 0.4, training=False).numpy())
    assert np.array_equal(w.dx, w.dy)
