"""Pools, and squeeze_excite, which is made of one. PyTorch's channels are axis 1, ours are the last."""

import math

import torch
from torch.nn import functional as F


def _windows(layer, axes):
    """(window, stride, margin), a number an axis."""
    size, stride = layer.size, layer.stride or layer.size
    margin = layer.padding if isinstance(layer.padding, tuple) else (0,) * axes
    return (size, stride, margin) if axes == 2 else ((size,), (stride,), margin)


def _same(sizes, window, stride):
    """For PyTorch's pad, the last axis first: what is missing to the last window, the odd place behind."""
    missing = [max(0, (-(-size // step) - 1) * step + length - size) for size, length, step in zip(sizes, window, stride)]
    return [zeros for lost in reversed(missing) for zeros in (lost // 2, lost - lost // 2)]


def _max_pool(pool):
    def witness(how, x):
        window, stride, margin = _windows(how.layer, x.ndim - 2)
        x = x.movedim(-1, 1)
        zeros = _same(x.shape[2:], window, stride) if how.layer.padding == "same" else [0]
        return pool(F.pad(x, zeros, value=-math.inf) if any(zeros) else x, window, stride, margin).movedim(1, -1)

    return witness


def _avg_pool(pool):
    def witness(how, x):
        window, stride, margin = _windows(how.layer, x.ndim - 2)
        x = x.movedim(-1, 1)
        zeros = _same(x.shape[2:], window, stride) if how.layer.padding == "same" else [0]
        if not any(zeros):
            return pool(x, window, stride, margin, count_include_pad=how.layer.count_include_pad).movedim(1, -1)
        inside = 1 if how.layer.count_include_pad else pool(F.pad(torch.ones_like(x), zeros), window, stride)
        return (pool(F.pad(x, zeros), window, stride) / inside).movedim(1, -1)

    return witness


def _global(pool):
    return lambda how, x: pool(x.movedim(-1, 1), 1).flatten(1)


def squeeze_excite(how, x, squeeze_weight, squeeze_bias, excite_weight, excite_bias):
    hidden = F.linear(x.flatten(1, -2).mean(dim=1), squeeze_weight.T, squeeze_bias).relu()
    gate = F.linear(hidden, excite_weight.T, excite_bias).sigmoid()
    return x * gate.reshape(len(x), *[1] * (x.ndim - 2), x.shape[-1])


WITNESSES = {
    "avg_pool1d": _avg_pool(F.avg_pool1d), "avg_pool2d": _avg_pool(F.avg_pool2d),
    "global_avg_pool1d": _global(F.adaptive_avg_pool1d), "global_avg_pool2d": _global(F.adaptive_avg_pool2d),
    "global_max_pool1d": _global(F.adaptive_max_pool1d), "global_max_pool2d": _global(F.adaptive_max_pool2d),
    "max_pool1d": _max_pool(F.max_pool1d), "max_pool2d": _max_pool(F.max_pool2d), "squeeze_excite": squeeze_excite,
}
