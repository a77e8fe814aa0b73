"""Functions of plain scores (logits) that overflow nowhere, for losses and metrics. All keep the dtype."""

import numpy as np

# An array without axes takes part in a call at once; a plain number is looked at anew each time, which for a few scores
# takes longer than all the rest.
ZERO, HALF = ({np.dtype(kind): np.array(value, kind) for kind in (np.float32, np.float64)} for value in (0, 0.5))


def sigmoid(z: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """1 / (1 + e^−z), as (1 + tanh(z / 2)) / 2."""
    half = HALF[z.dtype]
    out = np.multiply(z, half, out)
    np.tanh(out, out)
    out *= half
    out += half
    return out


def softplus(z: np.ndarray) -> np.ndarray:
    """log(1 + e^z); softplus(−z) is −log sigmoid(z)."""
    return np.maximum(z, ZERO[z.dtype]) + np.log1p(np.exp(np.minimum(z, -z)))


def log_softmax(z: np.ndarray) -> np.ndarray:
    """z − log Σ e^z over the last axis."""
    shifted = z - z.max(axis=-1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return shifted
