"""What a rollout's steps were worth, from its rewards and from values. All arrays are (steps, games), in float64.

In games where every step is the other player's, `sign` is −1: what comes next counts against whoever moves; else it is 1.
"""

import numpy as np


def advantages(rewards: np.ndarray, values: np.ndarray, next_values: np.ndarray, ended: np.ndarray, discount: float,
               gae_lambda: float, sign: int = 1) -> np.ndarray:
    """Generalised advantage estimates, Aₜ = δₜ + γ λ Aₜ₊₁ with δₜ = rₜ + γ V(sₜ₊₁) − V(sₜ); Aₜ₊₁ is left out where the
    episode ended with step t, and behind the last one. γ: discount · sign.

    next_values: V(sₜ₊₁), 0 where the game is over by its rules. A + V is the value's target.
    Source: Schulman et al., "High-dimensional continuous control using generalized advantage estimation", ICLR 2016, eq. 16.
    """
    found = rewards + sign * discount * next_values - values
    for t in range(len(found) - 2, -1, -1):
        found[t] += np.where(ended[t], 0, sign * discount * gae_lambda * found[t + 1])
    return found


def episodes(rewards: np.ndarray, ended: np.ndarray, sign: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """For every step, of its episode: the sum of rewards as whoever began it sees it, and 1 / its steps; 0 for both where it
    has not ended."""
    rest, left, whole = rewards.copy(), np.ones(rewards.shape), ended.copy()  # from a step on to the end
    for t in range(len(rest) - 2, -1, -1):
        goes_on = ~ended[t]
        rest[t] += np.where(goes_on, sign * rest[t + 1], 0)
        left[t] += np.where(goes_on, left[t + 1], 0)
        whole[t] |= whole[t + 1]
    for t in range(1, len(rest)):
        began_before = ~ended[t - 1]
        for of_episode in (rest, left):
            of_episode[t] = np.where(began_before, of_episode[t - 1], of_episode[t])
    return np.where(whole, rest, 0), whole / left
