"""What joins, cuts and turns arrays; linear maps; a layer at each step of time."""

from dataclasses import replace

import torch
from torch.nn import functional as F
from witnesses import layers, row


def linear(how, x, weight, bias=None):
    return F.linear(x, weight if how.layer.transposed else weight.T, bias)


def bilinear(how, first, second, weight, bias=None):
    return F.bilinear(first, second, weight.permute(2, 0, 1), bias)


def concat(how, *xs):
    return torch.cat(xs, how.layer.axis if how.layer.axis < 0 else how.layer.axis + 1)


def sliced(how, x):
    """PyTorch's own slices run forwards only, so the places are picked one by one."""
    place = how.layer.axis % (x.ndim - 1)
    picked = range(*slice(how.layer.start, how.layer.stop, how.layer.step).indices(x.shape[place + 1]))
    return x.index_select(place + 1, torch.tensor(picked))


def time_distributed(how, x, **p):
    inner = how.layer.layer
    y = layers.WITNESSES[row(inner).rpartition(".")[2]](replace(how, layer=inner), x.flatten(0, 1), **p)
    return y.unflatten(0, x.shape[:2])


WITNESSES = {
    "add": lambda how, *xs: torch.stack(xs).sum(dim=0),
    "bilinear": bilinear,
    "concat": concat,
    "flatten": lambda how, x: torch.flatten(x, 1),
    "linear": linear,
    "multiply": lambda how, *xs: torch.stack(xs).prod(dim=0),
    "reshape": lambda how, x: x.reshape(len(x), *how.layer.shape),
    "slice": sliced,
    "subtract": lambda how, first, second: first - second,
    "time_distributed": time_distributed,
    "transpose": lambda how, x: x.permute(0, *(axis + 1 for axis in how.layer.axes)),
}
