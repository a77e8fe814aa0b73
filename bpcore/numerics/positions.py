"""Angles of positions, shared by the layers that tell a network where in a sequence it is.

angle(t, i) = t / base^(2i / width), for pair i of `width` features at position t: the first pair turns
once in 2π steps, the last about once in 2π · base. Sources: Vaswani et al., "Attention is all you need",
NeurIPS 2017, section 3.5; Su et al., "RoFormer: enhanced transformer with rotary position embedding",
2021, section 3.2.2.
"""

from functools import lru_cache
from typing import Any

import numpy as np

from bpcore.layers import Operators


@lru_cache(maxsize=16)
def waves(length: int, width: int, base: float, dtype: Any) -> tuple[np.ndarray, np.ndarray]:
    """(sines, cosines) of all angles, each (length, ⌈width / 2⌉); computed in float64, then rounded once."""
    angles = np.arange(length)[:, None] / base ** (np.arange(0, width, 2) / width)
    tables = np.sin(angles).astype(dtype), np.cos(angles).astype(dtype)
    for table in tables:
        table.flags.writeable = False
    return tables


def rotate(x: np.ndarray, y: np.ndarray, base: float, back: bool = False) -> None:
    """Turns each pair (x₂ᵢ, x₂ᵢ₊₁) by its angle, or `back` by it, which is both the inverse and the gradient.

    x, y: (n, time, heads, width), width even; they may be the same array.
    """
    sine, cosine = (table[:, None] for table in waves(x.shape[1], x.shape[3], base, x.dtype))
    sine = -sine if back else sine
    first, second = x[..., 0::2], x[..., 1::2]
    turned = first * cosine - second * sine
    y[..., 1::2] = first * sine + second * cosine
    y[..., 0::2] = turned


def rotated(g: Operators, x: str, length: int, width: int, heads: int, base: float) -> str:
    """`rotate` in ONNX operators, of (n, time, heads · width): x ⊙ cosines + (x with its pairs swapped) ⊙ sines."""
    sine, cosine = (np.tile(table.repeat(2, axis=1), heads) for table in waves(length, width, base, np.float64))
    swap = np.kron(np.eye(heads * width // 2), [[0.0, 1.0], [-1.0, 0.0]])
    sine, cosine, swap = (g.op("CastLike", g.constant(table), x) for table in (sine, cosine, swap))
    return g.op("Add", g.op("Mul", x, cosine), g.op("Mul", g.op("MatMul", x, swap), sine))
