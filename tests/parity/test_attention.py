"""Attention against PyTorch's modules, and, for what these cannot do, against the formulas, differentiated by
PyTorch."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpcore import attention
from bpcore.errors import ShapeError
from bpcore.gradcheck import workspace
from bpcore.layers import Case
from bpcore.layers.multi_head_attention import MultiHeadAttention
from bpcore.layers.transformer_block import TransformerBlock

TOLERANCE = {np.float64: 1e-9, np.float32: 1e-5}
DTYPES = pytest.mark.parametrize("dtype", TOLERANCE, ids=["float64", "float32"])
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


def assert_close(ours, theirs, dtype):
    """Relative to the largest number of the array, or 1 where that is smaller."""
    theirs = np.asarray(theirs.detach() if hasattr(theirs, "detach") else theirs)
    assert ours.shape == theirs.shape
    assert ours.dtype == dtype
    error = np.max(np.abs(ours - theirs), initial=0) / max(1, np.max(np.abs(theirs), initial=0))
    assert error <= TOLERANCE[dtype]


def assert_same_gradients(w, y, inputs, parameters, dtype):
    """inputs: PyTorch's tensors; parameters: our name → the tensor, of our shape."""
    y.backward(torch_of(y, w.came))
    assert_close(w.y, y, dtype)
    for ours, theirs in zip(w.dinputs, inputs):
        assert_close(ours, theirs.grad, dtype)
    assert parameters.keys() == w.g.keys()
    for name, parameter in parameters.items():
        assert_close(w.g[name], parameter.grad, dtype)


def torch_of(like, array):
    return like.new_tensor(array)


def leaves(torch, arrays):
    return {name: torch.tensor(array, requires_grad=True) for name, array in arrays.items()}


def drawn_mask(seed, batch, keys):
    """0 and 1 with at least one 1 a sample: PyTorch knows no query without a key."""
    mask = np.random.default_rng(seed).integers(0, 2, (batch, keys))
    mask[:, seed % keys] = 1
    return mask


@DTYPES
@DRAWN
@given(keys=st.integers(1, 5), width=st.integers(1, 3), features=st.integers(1, 4), cross=FLAG, masked=FLAG,
       causal=FLAG, bias=FLAG, seed=SEED, **SIZES)
def test_multi_head_attention_is_pytorchs(torch, dtype, batch, queries, heads, keys, width, features, cross, masked,
                                          causal, bias, seed):
    units, keys = heads * width, keys if cross else queries
    shapes = ((queries, units), (keys, features)) if cross else ((queries, units),)
    if causal:
        keys, shapes = queries, tuple((queries, shape[1]) for shape in shapes)
    mask = drawn_mask(seed, batch, keys) if masked else None
    if masked and causal:
        mask[:, 0] = 1
    w = run(MultiHeadAttention(heads, bias=bias, causal=causal, key_mask=masked), shapes, batch, dtype, seed, mask)
    inputs, p = [torch.tensor(x, requires_grad=True) for x in w.inputs[:len(shapes)]], leaves(torch, w.p)
    y, _ = torch.nn.functional.multi_head_attention_forward(
        *(x.transpose(0, 1) for x in (inputs[0], inputs[-1], inputs[-1])), units, heads, None if cross else p["in_proj_weight"].T,
        p.get("in_proj_bias"), None, None, False, 0.0, p["out_proj.weight"].T, p.get("out_proj.bias"),
        key_padding_mask=torch.tensor(mask == 0) if masked else None, need_weights=False,
        attn_mask=torch.ones(queries, keys, dtype=torch.bool).triu(1) if causal else None, use_separate_proj_weight=cross,
        **({"q_proj_weight": p["q_proj_weight"].T, "k_proj_weight": p["kv_proj_weight"][:, :units].T,
            "v_proj_weight": p["kv_proj_weight"][:, units:].T} if cross else {}))
    assert_same_gradients(w, y.transpose(0, 1), inputs, p, dtype)


def by_hand(torch, layer, inputs, p, mask=None, kept=None):
    """The docstring's formulas, with rotation by complex numbers; a query that sees no key gives zeros."""
    x, m = inputs[0], inputs[-1]
    weights = p["in_proj_weight"].chunk(3, 1) if "in_proj_weight" in p else [p["q_proj_weight"], *p["kv_proj_weight"].chunk(2, 1)]
    biases = p["in_proj_bias"].chunk(3) if layer.bias else [0, 0, 0]
    q, k, v = ((source @ weight + bias).unflatten(-1, (layer.heads, -1)) for source, weight, bias in zip((x, m, m), weights, biases))
    if layer.rotary:
        q, k = turned(torch, q), turned(torch, k)
    scores = torch.einsum("nqhd,nkhd->nhqk", q, k) / q.shape[-1] ** 0.5
    seen = torch.ones(scores.shape[2:], dtype=torch.bool)
    seen = seen.tril() if layer.causal else seen
    seen = seen if mask is None else seen & torch.tensor(mask != 0)[:, None, None]
    a = torch.where(seen, scores.exp(), 0)
    a = a / torch.where(seen.any(-1, keepdim=True), a.sum(-1, keepdim=True), 1)
    a = a if kept is None else a * kept
    y = torch.einsum("nhqk,nkhd->nqhd", a, v).flatten(-2) @ p["out_proj.weight"]
    return y + p["out_proj.bias"] if layer.bias else y


def turned(torch, x):
    """Pairs of neighbours as complex numbers, times e^(i t / 10000^(2 pair / width))."""
    pairs = x.shape[-1] // 2
    angles = torch.arange(x.shape[1])[:, None] * 10000 ** (-torch.arange(pairs, dtype=torch.float64) / pairs)
    numbers = torch.view_as_complex(x.double().unflatten(-1, (pairs, 2))) * torch.polar(torch.ones_like(angles), angles)[:, None]
    return torch.view_as_real(numbers).flatten(-2).to(x.dtype)


@DTYPES
@DRAWN
@given(keys=st.integers(1, 5), pairs=st.integers(1, 2), features=st.integers(1, 4), memory=FLAG, masked=FLAG,
       causal=FLAG, bias=FLAG, rotary=FLAG, dropout=st.sampled_from([0.0, 0.4]), seed=SEED, **SIZES)
def test_all_other_attention_is_the_formulas(torch, dtype, batch, queries, heads, keys, pairs, features, memory, masked,
                                             causal, bias, rotary, dropout, seed):
    """Units of their own, rotation, dropout of weights, any mask, also one that leaves a query no key."""
    layer = MultiHeadAttention(heads, 2 * heads * pairs, causal, masked, rotary, dropout, bias)
    shapes = ((queries, features), (keys, 3)) if memory else ((queries, features),)
    keys = shapes[-1][0]
    mask = np.random.default_rng(seed).integers(0, 2, (batch, keys)) if masked else None
    w = run(layer, shapes, batch, dtype, seed, mask)
    inputs, p = [torch.tensor(x, requires_grad=True) for x in w.inputs[:len(shapes)]], leaves(torch, w.p)
    kept = torch.from_numpy((w.rng().random((batch, heads, queries, keys), dtype=dtype) >= dropout) / dtype(1 - dropout))
    assert_same_gradients(w, by_hand(torch, layer, inputs, p, mask, kept), inputs, p, dtype)


def test_blocks_change_no_bit(monkeypatch):
    layer, mask = MultiHeadAttention(4, causal=True, key_mask=True, dropout=0.3), drawn_mask(0, 5, 6)
    whole = run(layer, ((6, 8),), 5, np.float32, 0, mask)
    for numbers in (1, 36 * 3, 36 * 4 * 2):  # one head, three heads, two samples
        monkeypatch.setattr(attention, "BLOCK", numbers)
        part = run(layer, ((6, 8),), 5, np.float32, 0, mask)
        for name, array in {"y": whole.y, "dx": whole.dx, **whole.g}.items():
            np.testing.assert_array_equal({"y": part.y, "dx": part.dx, **part.g}[name], array, err_msg=name)


def test_memory_does_not_grow_with_the_square_of_the_length():
    """Rule 1 of bpcore/attention.py: everything kept for 1024 steps is less than one head's weights for them."""
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


NORMS = {f"norm{i}.{ours}": f"norm{i}.{theirs}" for i in (1, 2) for ours, theirs in (("gamma", "weight"), ("beta", "bias"))}


@DTYPES
@DRAWN
@given(width=st.sampled_from([4, 6]), hidden=st.integers(1, 9), activation=st.sampled_from(["gelu", "relu"]), bias=FLAG,
       masked=FLAG, causal=FLAG, seed=SEED, **SIZES)
def test_a_transformer_block_is_pytorchs(torch, dtype, batch, queries, heads, width, hidden, activation, bias, masked,
                                         causal, seed):
    """bias=False leaves PyTorch's norms without a shift, ours not: then ours is 0."""
    features = heads * width
    mask = drawn_mask(seed, batch, queries) if masked else None
    if masked and causal:
        mask[:, 0] = 1
    layer = TransformerBlock(heads, hidden / features, activation, causal=causal, bias=bias)
    module = torch.nn.TransformerEncoderLayer(features, heads, hidden, 0.0, activation, batch_first=True, norm_first=True,
                                              bias=bias, dtype=getattr(torch, dtype.__name__))
    w = workspace(Case(layer, ((queries, features),) + ((queries,),) * masked, batch, integers={1: 2} if masked else {}),
                  np.random.default_rng(seed), dtype)
    theirs = dict(module.named_parameters())
    for name, array in w.p.items():
        array *= 0.5 if NORMS.get(name, name) in theirs else 0
        if NORMS.get(name, name) in theirs:
            theirs[NORMS.get(name, name)].data = torch.tensor(array.T if name in layer.torch_axes else array)
    if masked:
        w.inputs[1][...] = mask
    w.came = np.random.default_rng(seed + 1).standard_normal(w.dy.shape).astype(dtype)
    layer.forward(w)
    w.dy[...] = w.came
    layer.backward(w)
    x = torch.tensor(w.x, requires_grad=True)
    y = module(x, src_mask=torch.ones(queries, queries, dtype=torch.bool).triu(1) if causal else None,
               src_key_padding_mask=torch.tensor(mask == 0) if masked else None)
    y.backward(torch.from_numpy(w.came))
    assert_close(w.y, y, dtype)
    assert_close(w.dx, x.grad, dtype)
    assert theirs.keys() <= {NORMS.get(name, name) for name in w.g}
    for name, gradient in w.g.items():
        if NORMS.get(name, name) in theirs:
            assert_close(gradient.T if name in layer.torch_axes else gradient, theirs[NORMS.get(name, name)].grad, dtype)


def block_by_hand(torch, block, x, p, mask):
    """The docstring's two lines; without dropout."""
    def norm(name, x):
        mean = x.mean(-1, keepdim=True) if block.norm == "layer_norm" else 0
        scale = ((x - mean) ** 2).mean(-1, keepdim=True) + (1e-5 if block.norm == "layer_norm" else 1e-6)
        return (x - mean) / scale.sqrt() * p[f"{name}.gamma"] + p.get(f"{name}.beta", 0)

    def linear(name, x):
        return x @ p[f"{name}.weight"] + p.get(f"{name}.bias", 0)

    inside = MultiHeadAttention(block.heads, causal=block.causal, rotary=block.rotary, bias=block.bias)
    own = {name.removeprefix("self_attn."): array for name, array in p.items() if name.startswith("self_attn.")}
    h = x + by_hand(torch, inside, [norm("norm1", x)], own, mask)
    return h + linear("linear2", getattr(torch.nn.functional, block.activation)(linear("linear1", norm("norm2", h))))


@DTYPES
@DRAWN
@given(activation=st.sampled_from(["gelu", "relu", "silu"]), norm=st.sampled_from(["layer_norm", "rms_norm"]), causal=FLAG,
       rotary=FLAG, bias=FLAG, masked=FLAG, ratio=st.sampled_from([0.1, 1.0, 4.0]), seed=SEED, **SIZES)
def test_every_kind_of_block_is_the_formulas(torch, dtype, batch, queries, heads, activation, norm, causal, rotary, bias,
                                             masked, ratio, seed):
    block = TransformerBlock(heads, ratio, activation, norm, causal, rotary, bias=bias)
    mask = np.random.default_rng(seed).integers(0, 2, (batch, queries)) if masked else None
    w = run(block, ((queries, 4 * heads),), batch, dtype, seed, mask)
    x, p = torch.tensor(w.x, requires_grad=True), leaves(torch, w.p)
    assert_same_gradients(w, block_by_hand(torch, block, x, p, mask), [x], p, dtype)


def test_dropout_in_a_block_is_for_training():
    block, shape = TransformerBlock(2, dropout=0.5), ((3, 4),)
    trained, evaluated = (run(block, shape, 2, np.float64, 0, training=training).y for training in (True, False))
    assert np.array_equal(evaluated, run(replace(block, dropout=0.0), shape, 2, np.float64, 0).y)
    assert not np.isclose(evaluated, trained).all()
