"""What several optimizers (bpcore/optimizers) share."""

import math

# Below this a direction is nothing but what is left of a velocity whose gradient has died: scaled up to
# the parameter's norm it would overflow float32.
VANISHED = 1e-12


def corrections(beta1: float, beta2: float, epsilon: float, step: int) -> tuple[float, float]:
    """a, b of Adam's ratio in one division: m / (a √v + b) = m̂ / (√v̂ + ε), m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − β₂ᵗ)."""
    share = 1 - beta1**step
    return share / math.sqrt(1 - beta2**step), share * epsilon


def norm_ratio(p_norm: float, direction_norm: float, coefficient: float = 1.0) -> float:
    """τ ‖p‖ / ‖d‖; 1 where either norm is nothing, as at the first step of a bias that starts at zero."""
    return coefficient * p_norm / direction_norm if p_norm > 0 and direction_norm > VANISHED else 1.0
