"""Attention against PyTorch's modules, and, for what these cannot do, against the formulas, differentiated by
PyTorch: witnesses/layers/attention.py."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpcore.errors import ShapeError
from bpcore.gradcheck import workspace
from bpcore.layers import Case
from bpcore.layers.multi_head_attention import MultiHeadAttention
from bpcore.layers.transformer_block import TransformerBlock

DRAWN = settings(max_examples=40, derandomize=True, deadline=None)
SIZES = {"batch": st.integers(1, 3), "queries": st.integers(1, 5), "heads": st.integers(1, 3)}
SEED = st.integers(0, 99)
FLAG = st.booleans()


def run(layer, shapes, batch, dtype, seed, mask=None, training=True):
    """The workspace after forward and backward on random numbers; layers may use up dy, so `came` is a copy."""
    random = np.random.default_rng(seed)
    integers = {} if mask is None else {len(shapes): 2}
    w = workspace(Case(layer, (*shapes, *([] if mask is None else [mask.shape[1:]])), batch, training, integers), random, dtype)
    for array in w.p.values():
        array *= 0.5  # scores for which no weight is 0 or 1
    if mask is not None:
        w.inputs[-1][...] = mask
    w.came = random.standard_normal(w.dy.shape).astype(dtype)
    layer.forward(w)
    w.dy[...] = w.came
    layer.backward(w)
    return w


def drawn_mask(seed, batch, keys):
    """0 and 1 with at least one 1 a sample: PyTorch knows no query without a key."""
    mask = np.random.default_rng(seed).integers(0, 2, (batch, keys))
    mask[:, seed % keys] = 1
    return mask


@DRAWN
@given(keys=st.integers(1, 5), width=st.integers(1, 3), features=st.integers(1, 4), cross=FLAG, masked=FLAG,
       causal=FLAG, bias=FLAG, seed=SEED, **SIZES)
def test_multi_head_attention_is_pytorchs(agrees, batch, queries, heads, keys, width, features, cross, masked, causal, bias, seed):
    """Scores are such that no weight is 0 or 1."""
    keys = keys if cross and not causal else queries
    shapes = ((queries, heads * width), (keys, features))[:1 + cross]
    mask = drawn_mask(seed, batch, keys) if masked else None
    if masked and causal:
        mask[:, 0] = 1
    agrees(MultiHeadAttention(heads, bias=bias, causal=causal, key_mask=masked), *shapes, batch=batch, seed=seed, mask=mask, scale=0.5)


@DRAWN
@given(keys=st.integers(1, 5), pairs=st.integers(1, 2), features=st.integers(1, 4), memory=FLAG, masked=FLAG,
       causal=FLAG, bias=FLAG, rotary=FLAG, dropout=st.sampled_from([0.0, 0.4]), seed=SEED, **SIZES)
def test_all_other_attention_is_the_formulas(agrees, batch, queries, heads, keys, pairs, features, memory, masked,
                                             causal, bias, rotary, dropout, seed):
    """Units of their own, rotation, dropout of weights, any mask, also one that leaves a query no key."""
    shapes = ((queries, features), (keys, 3))[:1 + memory]
    mask = np.random.default_rng(seed).integers(0, 2, (batch, shapes[-1][0])) if masked else None
    layer = MultiHeadAttention(heads, 2 * heads * pairs, causal, masked, rotary, dropout, bias)
    agrees(layer, *shapes, batch=batch, seed=seed, mask=mask, scale=0.5)


def test_what_stands_beside_a_sample_changes_no_bit_of_it():
    layer, mask = MultiHeadAttention(4, causal=True, key_mask=True), drawn_mask(0, 5, 70)
    whole = run(layer, ((70, 8),), 5, np.float32, 0, mask)
    w = workspace(Case(layer, ((70, 8), (70,)), 2, True, {1: 2}), np.random.default_rng(0), np.float32)
    w.p = whole.p
    for array, given in zip((*w.inputs, w.dy), (*whole.inputs, whole.came)):
        array[...] = given[3:]
    layer.forward(w)
    layer.backward(w)
    np.testing.assert_array_equal(w.y, whole.y[3:])
    np.testing.assert_array_equal(w.dx, whole.dx[3:])


def test_memory_does_not_grow_with_the_square_of_the_length():
    """Rule 1 of bpcore/numerics/attention.py: everything kept for 1024 steps is less than one head's weights for them."""
    w = run(MultiHeadAttention(2), ((1024, 4),), 1, np.float32, 0)
    assert sum(array.size for array in w._scratch.values()) < 1024 * 1024 / 10


def test_large_scores_do_not_overflow():
    w = workspace(Case(MultiHeadAttention(1), ((4, 2),), 1), np.random.default_rng(0), np.float32)
    w.x *= 1e6
    w.dy[...] = 1
    w.p["in_proj_weight"] *= 1e6
    MultiHeadAttention(1).forward(w)
    MultiHeadAttention(1).backward(w)
    assert np.isfinite(w.y).all() and np.isfinite(w.dx).all()


def test_a_query_sees_no_later_key_when_causal():
    layer = MultiHeadAttention(2, causal=True, rotary=True)
    w = run(layer, ((5, 4),), 1, np.float64, 0)
    before = w.y.copy()
    w.x[:, 3:] = 7
    layer.forward(w)
    np.testing.assert_array_equal(w.y[:, :3], before[:, :3])
    assert not np.isclose(w.y[:, 3:], before[:, 3:]).any()


@pytest.mark.parametrize(("layer", "shapes", "text"), [
    (MultiHeadAttention(3), ((5, 4),), "expected units that are a multiple of the heads, 3, got 4; change heads or units"),
    (MultiHeadAttention(2, rotary=True), ((5, 6),), "expected units that are a multiple of twice the heads, 2, got 6"),
    (MultiHeadAttention(2, key_mask=True), ((5, 4), (4,)), "expected a key mask of (5,), got (4,)"),
    (MultiHeadAttention(2, key_mask=True), ((5, 4), (3, 4), (5,)), "expected a key mask of (3,), got (5,)"),
    (MultiHeadAttention(2), ((4,),), "expected (time, features), got (4,); a linear layer or an embedding gives each step"),
    (MultiHeadAttention(2), ((5, 4), (5, 4), (5,)), "expected queries, or queries and a memory, and with key_mask a mask behind"),
    (TransformerBlock(2), ((5, 4), (4,)), "expected a mask of (5,), a 0 or 1 for each step, got (4,)"),
    (TransformerBlock(3), ((5, 4),), "expected units that are a multiple of the heads, 3, got 4"),
], ids=str)
def test_shapes_that_do_not_fit_are_refused_in_words(layer, shapes, text):
    with pytest.raises(ShapeError, match=re.escape(text)):
        layer.output_shape(*shapes)


@DRAWN
@given(width=st.sampled_from([4, 6]), hidden=st.integers(1, 9), activation=st.sampled_from(["gelu", "relu"]), masked=FLAG,
       causal=FLAG, seed=SEED, **SIZES)
def test_a_transformer_block_is_pytorchs(agrees, batch, queries, heads, width, hidden, activation, masked, causal, seed):
    mask = drawn_mask(seed, batch, queries) if masked else None
    if masked and causal:
        mask[:, 0] = 1
    layer = TransformerBlock(heads, hidden / (heads * width), activation, causal=causal)
    agrees(layer, (queries, heads * width), batch=batch, seed=seed, mask=mask, scale=0.5)


@DRAWN
@given(activation=st.sampled_from(["gelu", "relu", "silu"]), norm=st.sampled_from(["layer_norm", "rms_norm"]), causal=FLAG,
       rotary=FLAG, bias=FLAG, masked=FLAG, ratio=st.sampled_from([0.1, 1.0, 4.0]), seed=SEED, **SIZES)
def test_every_kind_of_block_is_the_formulas(agrees, batch, queries, heads, activation, norm, causal, rotary, bias,
                                             masked, ratio, seed):
    layer = TransformerBlock(heads, ratio, activation, norm, causal, rotary, bias=bias)
    mask = np.random.default_rng(seed).integers(0, 2, (batch, queries)) if masked else None
    agrees(layer, (queries, 4 * heads), batch=batch, seed=seed, mask=mask, scale=0.5)


def test_dropout_in_a_block_is_for_training():
    block, shape = TransformerBlock(2, dropout=0.5), ((3, 4),)
    trained, evaluated = (run(block, shape, 2, np.float64, 0, training=training).y for training in (True, False))
    assert np.array_equal(evaluated, run(replace(block, dropout=0.0), shape, 2, np.float64, 0).y)
    assert not np.isclose(evaluated, trained).all()
