"""What is drawn for the tests of metrics, and a metric's value."""

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

EXAMPLES = settings(derandomize=True, max_examples=25, deadline=None)
generators = st.integers(0, 2**32 - 1).map(np.random.default_rng)
n_samples = st.integers(1, 30)


def weights_for(random, n):
    """Weights over 0, or none: a class whose samples all count nothing does not occur for us, but does for scikit-learn."""
    return random.choice([0.25, 0.5, 1, 2], n).astype(np.float32) if random.random() < 0.6 else None


def normal(random, shape, digits=None):
    """Numbers that float32 has exactly, some of them equal when rounded."""
    drawn = random.standard_normal(shape)
    return (drawn if digits is None else drawn.round(digits)).astype(np.float32).astype(np.float64)


def scores_and_labels(random, n, classes):
    """`n`: how many, or a shape."""
    shape = np.atleast_1d(n)
    return normal(random, (*shape, classes), 1), random.integers(0, classes, shape)


def value(metric, output, targets, weights=None):
    """From the sums of two shards of unequal size."""
    cut = len(output) // 3
    parts = [metric.sums(output[rows], targets[rows], None if weights is None else weights[rows])
             for rows in (slice(cut), slice(cut, None))]
    assert all(len(part) == metric.width(output.shape[1:]) for part in parts)
    return metric.value(np.sum(parts, axis=0))
