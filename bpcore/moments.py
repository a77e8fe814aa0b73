"""Running averages that several optimizers keep (bpcore/optimizers), for one slice of the flat vectors."""

import math
from collections.abc import Mapping

import numpy as np

Arrays = Mapping[str, np.ndarray]

# Below this a direction is nothing but what is left of a velocity whose gradient has died: scaled up to
# the parameter's norm it would overflow float32.
VANISHED = 1e-12


def average(old: np.ndarray, value: np.ndarray, beta: float, out: np.ndarray, spare: np.ndarray | None = None) -> np.ndarray:
    """out = β old + (1 − β) value. `spare`: memory of that size to use up; None: it is taken."""
    np.multiply(old, beta, out=out)
    out += np.multiply(value, 1 - beta, out=spare)
    return out


def average_of_squares(old: np.ndarray, value: np.ndarray, beta: float, out: np.ndarray, spare: np.ndarray | None = None) -> np.ndarray:
    """out = β old + (1 − β) value². `spare`: memory of that size to use up; None: it is taken."""
    np.multiply(old, beta, out=out)
    part = np.multiply(value, 1 - beta, out=spare)
    part *= value
    out += part
    return out


def adam_ratio(m: np.ndarray, v: np.ndarray, step: int, beta1: float, beta2: float, epsilon: float, out: np.ndarray) -> None:
    """out = m̂ / (√v̂ + ε) with m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − β₂ᵗ)."""
    np.sqrt(v, out=out)
    out *= (1 - beta1**step) / math.sqrt(1 - beta2**step)
    out += (1 - beta1**step) * epsilon
    np.divide(m, out, out=out)


def norm_ratio(p_norm: float, direction_norm: float, coefficient: float = 1.0) -> float:
    """τ ‖p‖ / ‖d‖; 1 where either norm is nothing, as at the first step of a bias that starts at zero."""
    return coefficient * p_norm / direction_norm if p_norm > 0 and direction_norm > VANISHED else 1.0
