"""Functions of plain scores (logits) that overflow nowhere, for losses and metrics. All keep the dtype."""

import numpy as np


def sigmoid(z: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """1 / (1 + e^−z), as (1 + tanh(z / 2)) / 2."""
    out = np.multiply(z, 0.5, out=out)
    np.tanh(out, out=out)
    out *= 0.5
    out += 0.5
    return out


def softplus(z: np.ndarray) -> np.ndarray:
    """log(1 + e^z); softplus(−z) is −log sigmoid(z)."""
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


def log_softmax(z: np.ndarray) -> np.ndarray:
    """z − log Σ e^z over the last axis."""
    shifted = z - z.max(axis=-1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return shifted
