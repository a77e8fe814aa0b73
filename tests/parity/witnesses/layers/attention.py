"""Attention: PyTorch's own, and the formulas of the docstrings for what that does not offer."""

import torch
from torch import nn
from torch.nn import functional as F
from witnesses.layers.positions import turned


def multi_head_attention(how, *inputs, **p):
    layer, mask = how.layer, inputs[-1] if how.layer.key_mask else None
    sources = inputs[:-1] if layer.key_mask else inputs
    own_units = layer.units not in (None, sources[0].shape[-1])
    if layer.rotary or own_units or layer.dropout and how.training or not _each_sees_a_key(layer, sources, mask):
        return by_hand(layer, sources, p, mask, kept(how, sources))
    return pytorchs(layer, sources, p, mask)


def _each_sees_a_key(layer, sources, mask):
    """PyTorch gives no number where a query sees no key; and it takes `causal` for equal lengths only."""
    if layer.causal and sources[0].shape[1] != sources[-1].shape[1]:
        return False
    return mask is None or bool((mask[:, 0] != 0).all() if layer.causal else (mask != 0).any(1).all())


def pytorchs(layer, sources, p, mask=None):
    units, length = p["out_proj.weight"].shape[0], sources[0].shape[1]
    apart = {} if "in_proj_weight" in p else {
        "q_proj_weight": p["q_proj_weight"].T, "k_proj_weight": p["kv_proj_weight"][:, :units].T, "v_proj_weight": p["kv_proj_weight"][:, units:].T}
    y, _ = F.multi_head_attention_forward(
        *(x.transpose(0, 1) for x in (sources[0], sources[-1], sources[-1])), units, layer.heads,
        None if apart else p["in_proj_weight"].T, p.get("in_proj_bias"), None, None, False, 0.0, p["out_proj.weight"].T, p.get("out_proj.bias"),
        key_padding_mask=None if mask is None else mask == 0, need_weights=False,
        attn_mask=torch.ones(length, length, dtype=torch.bool).triu(1) if layer.causal else None,
        use_separate_proj_weight=bool(apart), **apart)
    return y.transpose(0, 1)


def kept(how, sources):
    """What the weights of attention are multiplied by in training, (n, heads, queries, keys); None: 1."""
    rate = how.layer.dropout
    if not rate or not how.training:
        return None
    shape = (len(sources[0]), how.layer.heads, sources[0].shape[1], sources[-1].shape[1])
    return torch.from_numpy((how.draw().random(shape, dtype=how.dtype) >= rate) / how.dtype(1 - rate))


def by_hand(layer, sources, p, mask=None, kept=None):
    """The docstring's formulas; a query that sees no key gives the bias."""
    x, m = sources[0], sources[-1]
    weights = p["in_proj_weight"].chunk(3, 1) if "in_proj_weight" in p else [p["q_proj_weight"], *p["kv_proj_weight"].chunk(2, 1)]
    biases = p["in_proj_bias"].chunk(3) if layer.bias else [0, 0, 0]
    q, k, v = ((source @ weight + bias).unflatten(-1, (layer.heads, -1)) for source, weight, bias in zip((x, m, m), weights, biases))
    if layer.rotary:
        q, k = turned(q), turned(k)
    scores = torch.einsum("nqhd,nkhd->nhqk", q, k) / q.shape[-1] ** 0.5
    seen = torch.ones(scores.shape[2:], dtype=torch.bool)
    seen = seen.tril() if layer.causal else seen
    seen = seen if mask is None else seen & (mask != 0)[:, None, None]
    a = torch.where(seen, scores.exp(), 0)
    a = a / torch.where(seen.any(-1, keepdim=True), a.sum(-1, keepdim=True), 1)
    a = a if kept is None else a * kept
    y = torch.einsum("nhqk,nkhd->nqhd", a, v).flatten(-2) @ p["out_proj.weight"]
    return y + p["out_proj.bias"] if layer.bias else y


def transformer_block(how, x, mask=None, **p):
    """Where it has dropout in evaluation: it draws inside."""
    layer = how.layer
    assert not (layer.dropout and how.training)
    theirs = layer.norm == "layer_norm" and layer.activation != "silu" and layer.bias and not layer.rotary
    return (pytorchs_block if theirs and _each_sees_a_key(layer, [x], mask) else block_by_hand)(layer, x, p, mask)


def pytorchs_block(layer, x, p, mask):
    length, features = x.shape[1:]
    module = nn.TransformerEncoderLayer(features, layer.heads, len(p["linear1.bias"]), 0.0, layer.activation, batch_first=True,
                                        norm_first=True, dtype=x.dtype)
    names = {f"norm{i}.{ours}": f"norm{i}.{theirs}" for i in (1, 2) for ours, theirs in (("gamma", "weight"), ("beta", "bias"))}
    theirs = {names.get(name, name): array.T if array.ndim == 2 else array for name, array in p.items()}
    return torch.func.functional_call(module, theirs, (x,), {
        "src_mask": torch.ones(length, length, dtype=torch.bool).triu(1) if layer.causal else None,
        "src_key_padding_mask": None if mask is None else mask == 0})


def block_by_hand(layer, x, p, mask):
    """The docstring's two lines."""
    own = {name.removeprefix("self_attn."): array for name, array in p.items() if name.startswith("self_attn.")}
    h = x + by_hand(layer, [_norm(layer, p, "norm1", x)], own, mask)
    return h + _linear(p, "linear2", getattr(F, layer.activation)(_linear(p, "linear1", _norm(layer, p, "norm2", h))))


def _norm(layer, p, name, x):
    if layer.norm == "rms_norm":
        return F.rms_norm(x, x.shape[-1:], p[f"{name}.gamma"], 1e-6)
    return F.layer_norm(x, x.shape[-1:], p[f"{name}.gamma"], p[f"{name}.beta"])


def _linear(p, name, x):
    return F.linear(x, p[f"{name}.weight"].T, p.get(f"{name}.bias"))


WITNESSES = {"multi_head_attention": multi_head_attention, "transformer_block": transformer_block}
