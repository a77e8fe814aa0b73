"""Layers inside a layer (bpcore/compose.py)."""

import re

import numpy as np
import pytest

from bpcore import rng
from bpcore.compose import Chain, Inner
from bpcore.errors import ShapeError
from bpcore.gradcheck import TOLERANCE, check_layer, workspace
from bpcore.layers import LAYERS, Case, Workspace
from bpcore.layers.dropout import Dropout
from bpcore.layers.linear import Linear
from bpcore.layers.multi_head_attention import MultiHeadAttention
from bpcore.layers.relu import Relu
from bpcore.layers.tanh import Tanh

CHAIN = Chain({"first": Linear(units=5), "between": Tanh(), "last": Linear(units=2)})


def outer(chain, x, *sides):
    """A workspace with the parameters of a chain."""
    random = np.random.default_rng(0)
    w = Workspace([x], np.zeros(0), np.zeros(0), [None])
    parameters = chain.parameters(x.shape[1:], *(side.shape[1:] for side in sides))
    w.p = {name: random.standard_normal(p.shape) for name, p in parameters.items()}
    w.g = {name: np.full_like(p, np.nan) for name, p in w.p.items()}
    w.rng = lambda: rng.stream(3, rng.LAYER)
    return w


def test_a_chain_is_its_layers_one_after_the_other():
    """By hand: W₂ᵀ tanh(W₁ᵀ x + b₁) + b₂ and its gradient."""
    x, dy = np.random.default_rng(1).standard_normal((4, 3)), np.random.default_rng(2).standard_normal((4, 2))
    w, y, dx = outer(CHAIN, x), np.zeros((4, 2)), np.full((4, 3), np.nan)
    CHAIN.forward(w, x, y)
    CHAIN.backward(w, x, y, dy, dx)
    h = np.tanh(x @ w.p["first.weight"] + w.p["first.bias"])
    dh = dy @ w.p["last.weight"].T * (1 - h * h)
    wanted = {"first.weight": x.T @ dh, "first.bias": dh.sum(axis=0), "last.weight": h.T @ dy, "last.bias": dy.sum(axis=0)}
    np.testing.assert_allclose(y, h @ w.p["last.weight"] + w.p["last.bias"], rtol=1e-12)
    np.testing.assert_allclose(dx, dh @ w.p["first.weight"].T, rtol=1e-12)
    assert w.g.keys() == wanted.keys()
    for name, gradient in wanted.items():
        np.testing.assert_allclose(w.g[name], gradient, rtol=1e-12, err_msg=name)


def test_a_chain_knows_its_shapes_names_and_axes():
    assert CHAIN.shapes((7, 3)) == [(7, 3), (7, 5), (7, 5), (7, 2)]
    assert {name: p.shape for name, p in CHAIN.parameters((3,)).items()} == {
        "first.weight": (3, 5), "first.bias": (5,), "last.weight": (5, 2), "last.bias": (2,)}
    assert CHAIN.torch_axes() == {"first.weight": (1, 0), "last.weight": (1, 0)}


def test_a_shape_that_does_not_fit_inside_is_refused():
    with pytest.raises(ShapeError, match=re.escape("expected (…, features), got ()")):
        CHAIN.shapes(())


def test_sides_go_to_layers_of_several_inputs():
    chain = Chain({"relu": Relu(), "attention": MultiHeadAttention(1, key_mask=True)})
    x, mask = np.random.default_rng(0).standard_normal((2, 3, 4)), np.array([[1, 0, 1], [1, 1, 0]])
    w, y, dx = outer(chain, x, mask), np.zeros((2, 3, 4)), np.full((2, 3, 4), np.nan)
    chain.forward(w, x, y, mask)
    chain.backward(w, x, y, np.ones_like(y), dx, mask)
    before = y.copy()
    x[0, 1] = x[1, 2] = 5  # keys that are not there: only their own query changes
    chain.forward(w, x, y, mask)
    np.testing.assert_array_equal(np.isclose(y, before).all(axis=2), [[True, False, True], [True, True, False]])
    assert np.isfinite(dx).all()


def test_a_chain_that_ends_where_nobody_needs_a_gradient():
    x, y = np.ones((2, 3)), np.zeros((2, 2))
    w = outer(CHAIN, x)
    CHAIN.forward(w, x, y)
    CHAIN.backward(w, x, y, np.ones_like(y), None)
    assert all(np.isfinite(g).all() for g in w.g.values())


def test_each_layer_inside_draws_numbers_of_its_own():
    """The same ones again for the same key and name, in backward as in forward, and other ones else."""
    w = outer(CHAIN, np.zeros((1, 3)))
    first, again, second = (Inner(w, name, [w.x], w.x).rng().random(4) for name in ("first", "first", "second"))
    assert (first == again).all() and (first != second).all() and (first != w.rng().random(4)).all()
    w.rng = lambda: rng.stream(4, rng.LAYER)
    assert (Inner(w, "first", [w.x], w.x).rng().random(4) != first).all()


def test_two_dropouts_in_a_chain_drop_different_numbers():
    chain, x = Chain({"one": Dropout(rate=0.5), "two": Dropout(rate=0.5)}), np.ones((1, 400))
    w, y = outer(chain, x), np.zeros((1, 400))
    w.training = True
    chain.forward(w, x, y)
    assert 60 < np.count_nonzero(y) < 140  # a quarter is expected, a half if both dropped the same


def test_nothing_is_drawn_in_evaluation():
    w, y = outer(CHAIN, np.ones((1, 3))), np.zeros((1, 3))
    w.rng = None
    Chain({"one": Dropout(rate=0.5)}).forward(w, w.x, y)
    assert (y == 1).all()


@pytest.mark.parametrize("name", ["transformer_block", "time_distributed"])
def test_a_composed_layer_takes_its_memory_once(name):
    """A second step finds every array of the first again."""
    for case in LAYERS.get(name).cases():
        w = workspace(case, np.random.default_rng(0))
        case.layer.forward(w)
        case.layer.backward(w)
        before = {key: array.ctypes.data for key, array in {**w._scratch, **w._pool}.items()}
        case.layer.forward(w)
        case.layer.backward(w)
        assert {key: array.ctypes.data for key, array in {**w._scratch, **w._pool}.items()} == before


def test_a_case_inside_another_layer_passes_the_gradient_check():
    block = LAYERS.build({"time_distributed": {"layer": {"transformer_block": {"heads": 1}}}})
    for check in check_layer(Case(block, ((2, 3, 4),))):
        assert check.error <= TOLERANCE, str(check)
