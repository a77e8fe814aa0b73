"""Embeddings, and what tells a network where in a sequence it is."""

import math

import torch
from torch.nn import functional as F


def embedding(how, x, weight):
    """PyTorch reads the padding row as it is; ours as zeros, which is what PyTorch starts it at."""
    padding = how.layer.padding_index
    if padding is not None:
        weight = weight * (torch.arange(len(weight)) != padding)[:, None]
    return F.embedding(x, weight, padding_idx=padding)


def positional_embedding(how, x, weight):
    return x + F.embedding(torch.arange(x.shape[1]), weight)


def sinusoidal_embedding(how, x):
    """Vaswani et al., section 3.5, number by number."""
    length, features = x.shape[1:]
    angles = [[t / how.layer.base ** ((i - i % 2) / features) for i in range(features)] for t in range(length)]
    table = [[math.cos(angle) if i % 2 else math.sin(angle) for i, angle in enumerate(row)] for row in angles]
    return x + torch.tensor(table, dtype=torch.float64).to(x.dtype)


def rotary_embedding(how, x):
    return turned(x.unflatten(-1, (how.layer.heads, -1)), how.layer.base).flatten(-2)


def turned(x, base=10000):
    """(n, time, heads, width): neighbours as complex numbers, times e^(i t / base^(2 pair / width))."""
    pairs = x.shape[-1] // 2
    angles = torch.arange(x.shape[1])[:, None] * base ** (-torch.arange(pairs, dtype=torch.float64) / pairs)
    numbers = torch.view_as_complex(x.double().unflatten(-1, (pairs, 2))) * torch.polar(torch.ones_like(angles), angles)[:, None]
    return torch.view_as_real(numbers).flatten(-2).to(x.dtype)


WITNESSES = {"embedding": embedding, "positional_embedding": positional_embedding, "rotary_embedding": rotary_embedding,
             "sinusoidal_embedding": sinusoidal_embedding}
