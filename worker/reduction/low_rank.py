"""One matrix that several nodes add up as a product of two narrow ones: the mathematics of PowerSGD.

It knows no messages: the caller sums `p` over the nodes between `begin` and `project`, and then `basis` and `q`.
"""

import numpy as np

BLOCK = 1 << 16  # numbers multiplied out at a time: what stays in the cache
TINY = np.float32(1e-30)


class Matrix:
    """One node's side. `p`, `basis`: (rows, rank), `q`: (columns, rank): memory of the caller's."""

    def __init__(self, p: np.ndarray, basis: np.ndarray, q: np.ndarray, start: np.ndarray):
        """`start`: the first Q, the same on all nodes."""
        self._p, self._basis, self._q, self._warm = p, basis, q, start
        self._residual = np.zeros((len(p), len(q)), np.float32)

    def begin(self, delta: np.ndarray, count: np.float32) -> None:
        """Adds what was left out to this node's gradient, which is a sum over `count`; writes its part of P."""
        self._residual *= count
        delta += self._residual
        np.matmul(delta, self._warm, out=self._p)

    def project(self, delta: np.ndarray, count: np.float32, gives_basis: bool) -> None:
        """With the sum in P: this node's part of Q, and what is left out. One node gives the basis for all."""
        basis = orthonormal(self._p)
        np.matmul(delta.T, basis, out=self._q)
        np.matmul(basis, self._q.T, out=self._residual)
        np.subtract(delta, self._residual, out=self._residual)
        self._residual /= count
        self._basis[...] = basis if gives_basis else 0

    def finish(self, total: np.ndarray) -> None:
        """With the sums in the basis and Q: their product, and the Q to begin with next time."""
        multiply_out(self._basis, self._q, total)
        np.copyto(self._warm, self._q / (np.abs(self._q).max(axis=0) + TINY), where=self._q.any(axis=0))


def orthonormal(columns: np.ndarray) -> np.ndarray:
    """By Gram-Schmidt, twice, which is enough; a column of zeros stays one."""
    vectors = columns.T.astype(np.float64)
    for i, vector in enumerate(vectors):
        for _ in range(2):
            vector -= (vectors[:i] @ vector) @ vectors[:i]
        vector /= np.sqrt(vector @ vector) or 1.0
    return vectors.T.astype(np.float32)


def multiply_out(p: np.ndarray, q: np.ndarray, out: np.ndarray) -> None:
    """out = p qᵀ, by additions in the order of columns: the same bits on every processor."""
    step = max(1, BLOCK // out.shape[1])
    for start in range(0, len(out), step):
        rows = slice(start, start + step)
        np.multiply(p[rows, :1], q[:, 0], out=out[rows])
        for column in range(1, p.shape[1]):
            out[rows] += p[rows, column:column + 1] * q[:, column]
