"""Scaled dot-product attention and its gradient: A = softmax(q kᵀ), y = A v.

1. The weights A are never kept: the way back computes them again from each row's largest score and sum, to
   the same bits; so what is kept grows with the length of a sequence, not with its square.
2. Each head of a sample goes by itself, in blocks of queries: what stands beside it changes no bit.
3. q arrives scaled. The way back uses up q, k and v: their memory takes their gradients.
4. A query that may see no key gives zeros.

Shapes: q, y (n, heads, queries, width); k, v (n, heads, keys, width). Sources: Vaswani et al., "Attention is
all you need", NeurIPS 2017, section 3.2; Dao et al., "FlashAttention", NeurIPS 2022, appendix B, for rule 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bpcore import kernels
from bpcore.layers import Operators
from bpcore.shapes import Shape


@dataclass(frozen=True)
class Rules:
    """Which keys a query sees, and memory to work in.

    causal: query i sees the keys 0 … i. seen: yes or no for each key, (n, keys). kept: what dropout leaves,
    yes or no, (n, heads, queries, keys), at a `rate`.
    """

    memory: np.ndarray
    causal: bool = False
    seen: np.ndarray | None = None
    kept: np.ndarray | None = None
    rate: float = 0.0

    def for_kernels(self, q: np.ndarray) -> tuple[np.ndarray, np.ndarray, float, bool, np.ndarray]:
        seen = np.empty((len(q), 0), q.dtype) if self.seen is None else np.where(self.seen, 0, -np.inf).astype(q.dtype, order="C")
        kept = np.empty((0, 0, 0, 0), np.bool_) if self.kept is None else self.kept
        return seen, kept, 1 / (1 - self.rate), self.causal, self.memory


def attend(q: np.ndarray, k: np.ndarray, v: np.ndarray, y: np.ndarray, rows: np.ndarray, rules: Rules) -> None:
    """Writes y, and for the way back each row's largest score and its sum, `rows`: (2, n, heads, queries, 1)."""
    kernels.attention.attend(q, k, v, y, *rows, *rules.for_kernels(q))


def attend_back(q: np.ndarray, k: np.ndarray, v: np.ndarray, dy: np.ndarray, rows: np.ndarray, rules: Rules) -> None:
    """Puts the gradients of q, k and v in their places."""
    kernels.attention.attend_back(q, k, v, dy, *rows, *rules.for_kernels(q))


def room(q: Shape, keys: int, itemsize: int) -> int:
    """Numbers of memory that the rules have to bring for q (n, heads, queries, width) and so many keys."""
    return kernels.attention.room(q[2], keys, q[3], itemsize)


def attended(g: Operators, parts: Sequence[str], heads: int, width: int, causal: bool, lengths: tuple[int, int], mask: str) -> str:
    """The same in ONNX operators. parts: q (not scaled), k and v, (n, time, heads · width); mask: (n, keys) or no name."""
    split = [g.op("Reshape", part, g.constant([0, 0, heads, width])) for part in parts]
    q, k, v = (g.op("Transpose", part, perm=perm) for part, perm in zip(split, ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3])))
    scale, low, zero = (g.op("CastLike", g.constant(np.array(number)), q) for number in (width ** -0.5, -1e30, 0.0))
    a = g.op("MatMul", g.op("Mul", q, scale), k)
    seen = g.constant(np.tri(*lengths, dtype=np.bool_) if causal else np.ones(lengths, np.bool_))
    if mask:
        keys = g.op("Unsqueeze", g.op("Cast", mask, to=9), g.constant([1, 2]))  # to BOOL
        seen = g.op("And", seen, keys)
    a = g.op("Where", seen, g.op("Softmax", g.op("Where", seen, a, low), axis=-1), zero)
    context = g.op("Transpose", g.op("MatMul", a, v), perm=[0, 2, 1, 3])
    return g.op("Reshape", context, g.constant([0, 0, heads * width]))
