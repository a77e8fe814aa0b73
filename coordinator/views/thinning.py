"""Fewer points, with every spike still among them: of each of equally heavy ranges the least and the greatest value, and
always the first point and the last."""

from collections.abc import Sequence

import numpy as np


def thin(values: Sequence[float] | np.ndarray, max_points: int) -> np.ndarray:
    """Indices to keep, ascending. For fewer than four points: the last ones, ends first."""
    count, values = len(values), np.asarray(values, float)
    if not max_points or count <= max_points:
        return np.arange(count)
    ends = [count - 1] if max_points == 1 else [0, count - 1]
    inner = extremes(values[1:-1], values[1:-1], np.ones(count - 2), (max_points - 2) // 2)
    return np.unique(np.concatenate([ends, *(kept + 1 for kept in inner)])).astype(int)


def extremes(low: np.ndarray, high: np.ndarray, weights: np.ndarray, ranges: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the least `low` and of the greatest `high` in each of so many ranges of equal weight. What is not a
    number is neither, unless there is nothing else."""
    if not len(low) or ranges < 1:
        return np.empty(0, int), np.empty(0, int)
    ends = np.cumsum(weights)
    inside = ((ends - weights) * ranges // ends[-1]).astype(int)
    starts = np.flatnonzero(np.diff(inside, prepend=-1))
    least, greatest = np.where(np.isnan(low), np.inf, low), np.where(np.isnan(high), -np.inf, high)
    return _least(least, starts, inside), _least(-greatest, starts, inside)


def _least(values: np.ndarray, starts: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Index of the first least value of each range."""
    lengths = np.diff(starts, append=len(values))
    hits = np.flatnonzero(values == np.repeat(np.minimum.reduceat(values, starts), lengths))
    return hits[np.unique(inside[hits], return_index=True)[1]]
