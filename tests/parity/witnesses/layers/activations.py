"""Activations, and what draws random numbers."""

import torch
from torch.nn import functional as F


def prelu(how, x, slope):
    """PyTorch's channels are axis 1; ours are the last."""
    return F.prelu(x.reshape(-1, x.shape[-1]), slope).reshape(x.shape)


def dropout(how, x):
    """PyTorch draws other numbers; under the layer's own mask."""
    return _masked(how, x, x.shape)


def spatial_dropout(how, x):
    return _masked(how, x, (len(x), *[1] * (x.ndim - 2), x.shape[-1]))


def _masked(how, x, shape):
    if not how.training or not how.layer.rate:
        return F.dropout(x, how.layer.rate, training=False)
    kept = how.draw().random(tuple(shape), dtype=how.dtype) >= how.layer.rate
    return x * torch.from_numpy(kept) / (1 - how.layer.rate)


def gaussian_noise(how, x):
    if not how.training:
        return x.clone()
    return x + how.layer.stddev * torch.from_numpy(how.draw().standard_normal(tuple(x.shape), dtype=how.dtype))


WITNESSES = {
    "dropout": dropout,
    "elu": lambda how, x: F.elu(x, how.layer.alpha),
    "gaussian_noise": gaussian_noise,
    "gelu": lambda how, x: F.gelu(x, approximate=how.layer.approximate),
    # its own hardsigmoid has 1/6 to float32's digits only, in float64, too
    "hard_sigmoid": lambda how, x: F.relu6(x + 3) / 6,
    "hardtanh": lambda how, x: F.hardtanh(x, how.layer.minimum, how.layer.maximum),
    "leaky_relu": lambda how, x: F.leaky_relu(x, how.layer.slope),
    "log_softmax": lambda how, x: torch.log_softmax(x, -1),
    "prelu": prelu,
    "relu": lambda how, x: torch.relu(x),
    "selu": lambda how, x: F.selu(x),
    "sigmoid": lambda how, x: torch.sigmoid(x),
    "silu": lambda how, x: F.silu(x),
    "softmax": lambda how, x: torch.softmax(x, -1),
    # its threshold is where PyTorch takes x for log(1 + eˣ); e⁻³⁰ is below both tolerances
    "softplus": lambda how, x: F.softplus(x, how.layer.beta, threshold=30),
    "spatial_dropout": spatial_dropout,
    "tanh": lambda how, x: torch.tanh(x),
}
