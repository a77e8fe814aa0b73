"""Scaled dot-product attention and its gradient: A = softmax(q kᵀ), y = A v.

1. The weights A are never kept: the way back computes them again from each row's largest score and sum, to
   the same bits; so what is kept grows with the length of a sequence, not with its square.
2. Works on blocks of samples and heads whose weights stay in the cache; each head of a sample is a product
   of its own, whatever the block, so blocks change no bit.
3. q arrives scaled. The way back uses up q, k, v and dy: their memory takes their gradients.
4. A query that may see no key gives zeros.

Shapes: q, y (n, heads, queries, width); k, v (n, heads, keys, width). Sources: Vaswani et al., "Attention is
all you need", NeurIPS 2017, section 3.2; Dao et al., "FlashAttention", NeurIPS 2022, appendix B, for rule 1.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from bpcore.layers import Operators
from bpcore.shapes import Shape

BLOCK = 65536  # numbers


@dataclass(frozen=True)
class Rules:
    """Which keys a query sees, and memory for one block of weights and of their gradients, (2, numbers).

    causal: query i sees the keys 0 … i. seen: yes or no for each key, (n, keys). kept: what dropout leaves,
    yes or no, (n, heads, queries, keys), at a `rate`.
    """

    memory: np.ndarray
    causal: bool = False
    seen: np.ndarray | None = None
    kept: np.ndarray | None = None
    rate: float = 0.0

    def scores(self, q: np.ndarray, k: np.ndarray, block: tuple[slice, slice]) -> np.ndarray:
        """q kᵀ of a block, −∞ where a query does not see a key."""
        scores = self.part(0, (*q[block].shape[:3], k.shape[2]))
        np.matmul(q[block], k[block].swapaxes(2, 3), out=scores)
        if self.causal:
            scores += _future(*scores.shape[2:], scores.dtype)
        if self.seen is not None:
            np.copyto(scores, -np.inf, where=~self.seen[block[0], None, None])
        return scores

    def drop(self, weights: np.ndarray, block: tuple[slice, slice]) -> np.ndarray:
        """The weights of a block after dropout; an array of its own where there is any."""
        return weights if self.kept is None else weights * self.kept[block] / (1 - self.rate)

    def part(self, i: int, shape: Shape) -> np.ndarray:
        return self.memory[i, :prod(shape)].reshape(shape)


def attend(q: np.ndarray, k: np.ndarray, v: np.ndarray, y: np.ndarray, rows: np.ndarray, rules: Rules) -> None:
    """Writes y, and for the way back each row's largest score and its sum, `rows`: (2, n, heads, queries, 1)."""
    tops, totals = rows
    for block in _blocks(q, k):
        a = rules.scores(q, k, block)
        a -= np.maximum(a.max(axis=-1, keepdims=True), np.finfo(a.dtype).min, out=tops[block])  # a number for a row of −∞, too
        np.exp(a, out=a)
        a /= np.maximum(a.sum(axis=-1, keepdims=True), 1, out=totals[block])  # less than the largest one's 1: an empty row
        np.matmul(rules.drop(a, block), v[block], out=y[block])


def attend_back(q: np.ndarray, k: np.ndarray, v: np.ndarray, dy: np.ndarray, rows: np.ndarray, rules: Rules) -> None:
    """Puts the gradients of q, k and v in their places."""
    tops, totals = rows
    for block in _blocks(q, k):
        a = rules.scores(q, k, block)
        a -= tops[block]
        np.exp(a, out=a)
        a /= totals[block]
        da = rules.part(1, a.shape)
        np.matmul(dy[block], v[block].swapaxes(2, 3), out=da)
        if rules.kept is not None:
            da[...] = rules.drop(da, block)
        np.matmul(rules.drop(a, block).swapaxes(2, 3), dy[block], out=v[block])
        da -= np.einsum("nhqk,nhqk->nhq", a, da)[..., None]
        da *= a
        dq = np.matmul(da, k[block])
        np.matmul(da.swapaxes(2, 3), q[block], out=k[block])
        q[block] = dq


def block_size(n: int, heads: int, queries: int, keys: int) -> int:
    """Numbers in the largest block."""
    samples, group = _step(heads, queries, keys)
    return min(n, samples) * min(heads, group) * queries * keys


def _step(heads: int, queries: int, keys: int) -> tuple[int, int]:
    """Samples and heads of a block: as many samples as fit with all heads, or of one sample as many heads."""
    area = queries * keys
    return max(1, BLOCK // (heads * area)), min(heads, max(1, BLOCK // area))


def _blocks(q: np.ndarray, k: np.ndarray) -> Iterator[tuple[slice, slice]]:
    samples, heads = _step(q.shape[1], q.shape[2], k.shape[2])
    for start in range(0, q.shape[0], samples):
        for head in range(0, q.shape[1], heads):
            yield slice(start, start + samples), slice(head, head + heads)


@lru_cache(maxsize=4)
def _future(queries: int, keys: int, dtype: Any) -> np.ndarray:
    """−∞ above the diagonal, 0 elsewhere."""
    table = np.triu(np.full((queries, keys), -np.inf, dtype), 1)
    table.flags.writeable = False
    return table


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
