"""Where parameters start: the distribution of every initializer, measured on a large array.

An initializer without its formula here fails (KeyError).
"""

import numpy as np
import pytest

from bpcore import rng
from bpcore.initializers import INITIALIZERS

FAN_IN, FAN_OUT, SIZE = 200, 50, 200_000

# (variance, largest absolute value), as in He et al. 2015, section 2.2, and Glorot & Bengio 2010, section 4.2;
# a uniform distribution on (−a, a) has variance a² / 3.
FORMULAS = {
    "zeros": (0, 0),
    "he_normal": (2 / FAN_IN, np.inf),
    "he_uniform": (2 / FAN_IN, np.sqrt(6 / FAN_IN)),
    "xavier_normal": (2 / (FAN_IN + FAN_OUT), np.inf),
    "xavier_uniform": (2 / (FAN_IN + FAN_OUT), np.sqrt(6 / (FAN_IN + FAN_OUT))),
}


def fill(name, seed=1, dtype=np.float64, shape=(SIZE,)):
    out = np.full(shape, np.nan, dtype)
    INITIALIZERS.build(name).fill(out, FAN_IN, FAN_OUT, rng.stream(seed, rng.INITIALIZER))
    return out


def test_every_initializer_has_its_formula(initializer_name):
    assert initializer_name in FORMULAS


def test_the_variance_is_the_formulas(initializer_name):
    """A sample variance of n values is within 5·√(2 / n) of the truth (normal; a uniform's is closer)."""
    variance, _ = FORMULAS[initializer_name]
    assert fill(initializer_name).var() == pytest.approx(variance, rel=5 * np.sqrt(2 / SIZE))


def test_the_mean_is_zero(initializer_name):
    variance, _ = FORMULAS[initializer_name]
    assert abs(fill(initializer_name).mean()) <= 5 * np.sqrt(variance / SIZE)


def test_values_reach_their_bound_and_stay_within(initializer_name):
    """A normal one has no bound: of 200 000 values the largest is beyond four standard deviations."""
    variance, bound = FORMULAS[initializer_name]
    largest = np.abs(fill(initializer_name)).max()
    if np.isfinite(bound):
        assert 0.999 * bound <= largest <= bound
    else:
        assert largest > 4 * np.sqrt(variance)


def test_the_same_seed_gives_the_same_bits(initializer_name):
    assert fill(initializer_name).tobytes() == fill(initializer_name).tobytes()


def test_another_seed_gives_other_values(initializer_name):
    same = np.array_equal(fill(initializer_name), fill(initializer_name, seed=2))
    assert same == (FORMULAS[initializer_name][0] == 0)


def test_float32_is_float64_rounded(initializer_name):
    single = fill(initializer_name, dtype=np.float32)
    assert np.array_equal(single, fill(initializer_name).astype(np.float32))


def test_the_shape_does_not_change_the_values(initializer_name):
    assert np.array_equal(fill(initializer_name, shape=(4, 5, 6)).ravel(), fill(initializer_name, shape=(120,)))


def test_a_parameter_without_fans_is_filled_too(initializer_name):
    out = np.full(7, np.nan)
    INITIALIZERS.build(initializer_name).fill(out, 1, 1, rng.stream(1, rng.INITIALIZER))
    assert np.isfinite(out).all()
