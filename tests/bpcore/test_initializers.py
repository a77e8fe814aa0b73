"""Where parameters start: the distribution of every initializer, measured on a large array."""

import dataclasses
from math import erf, exp, pi, sqrt

import numpy as np
import pytest

from bpcore import rng
from bpcore.initializers import INITIALIZERS

FAN_IN, FAN_OUT, SIZE = 200, 50, 200_000


def spread(low, high):
    """(mean, variance, lowest, highest) of a uniform distribution."""
    return (low + high) / 2, (high - low) ** 2 / 12, low, high


def normal(variance, mean=0.0):
    return mean, variance, -np.inf, np.inf


def truncated(i):
    """With φ and Φ the density and distribution of a standard normal, cut at ±c: 1 − 2 c φ(c) / (2 Φ(c) − 1)."""
    density, inside = exp(-i.bound**2 / 2) / sqrt(2 * pi), erf(i.bound / sqrt(2))
    return i.mean, i.std**2 * (1 - 2 * i.bound * density / inside), i.mean - i.bound * i.std, i.mean + i.bound * i.std


# For those that draw number by number (the others' references are in tests/parity):
# (mean, variance, lowest, highest), as in He et al. 2015, section 2.2, and Glorot & Bengio 2010, section 4.2, and for
# LeCun's, "Efficient backprop", 1998, section 4.6; a uniform distribution on (−a, a) has variance a² / 3.
FORMULAS = {
    "zeros": lambda i: (0, 0, 0, 0),
    "constant": lambda i: (i.value, 0, i.value, i.value),
    "normal": lambda i: normal(i.std**2, i.mean),
    "uniform": lambda i: spread(i.low, i.high),
    "truncated_normal": truncated,
    "he_normal": lambda i: normal(2 / FAN_IN),
    "he_uniform": lambda i: spread(-sqrt(6 / FAN_IN), sqrt(6 / FAN_IN)),
    "lecun_normal": lambda i: normal(1 / FAN_IN),
    "lecun_uniform": lambda i: spread(-sqrt(3 / FAN_IN), sqrt(3 / FAN_IN)),
    "xavier_normal": lambda i: normal(2 / (FAN_IN + FAN_OUT)),
    "xavier_uniform": lambda i: spread(-sqrt(6 / (FAN_IN + FAN_OUT)), sqrt(6 / (FAN_IN + FAN_OUT))),
}


DRAWN = pytest.mark.parametrize(("initializer", "formula"), [
    (initializer, formula(initializer)) for name, formula in FORMULAS.items() for initializer in INITIALIZERS.types[name].cases()])


def fill(initializer, seed=1, dtype=np.float64, shape=(SIZE,)):
    out = np.full(shape, np.nan, dtype)
    initializer.fill(out, FAN_IN, FAN_OUT, rng.stream(seed, rng.INITIALIZER))
    return out


@DRAWN
def test_mean_and_variance_are_the_formulas(initializer, formula):
    """A sample variance of n values is within 5·√(2 / n) of the truth (normal; a bounded one's is closer)."""
    mean, variance, _, _ = formula
    numbers = fill(initializer)
    assert numbers.var() == pytest.approx(variance, rel=5 * sqrt(2 / SIZE), abs=1e-30)
    assert numbers.mean() == pytest.approx(mean, rel=1e-12, abs=5 * sqrt(variance / SIZE))


@DRAWN
def test_values_reach_their_bounds_and_stay_within(initializer, formula):
    """A normal one has no bound: of 200 000 values the largest is beyond four standard deviations."""
    mean, variance, lowest, highest = formula
    numbers = fill(initializer)
    if np.isfinite(highest):
        slack = 1e-3 * (highest - lowest)
        assert lowest <= numbers.min() <= lowest + slack and highest - slack <= numbers.max() <= highest
    else:
        assert min(mean - numbers.min(), numbers.max() - mean) > 4 * sqrt(variance)


@pytest.mark.parametrize("shape", [(40,), (30, 20), (3, 2, 4, 6)], ids=str)
def test_the_same_seed_gives_the_same_bits(initializer_case, shape):
    assert fill(initializer_case, shape=shape).tobytes() == fill(initializer_case, shape=shape).tobytes()


@DRAWN
def test_another_seed_gives_other_values(initializer, formula):
    _, variance, _, _ = formula
    same = np.array_equal(fill(initializer), fill(initializer, seed=2))
    assert same == (variance == 0)


@pytest.mark.parametrize("shape", [(1000,), (30, 20), (3, 2, 4, 6)], ids=str)
def test_float32_is_float64_rounded(initializer_case, shape):
    single, double = fill(initializer_case, dtype=np.float32, shape=shape), fill(initializer_case, shape=shape)
    assert np.array_equal(single, double.astype(np.float32))


@DRAWN
def test_the_shape_does_not_change_the_values(initializer, formula):
    assert np.array_equal(fill(initializer, shape=(4, 5, 6)).ravel(), fill(initializer, shape=(120,)))


@pytest.mark.parametrize("shape", [(7,), (1,), (1, 1), (2, 5), (5, 2), (1, 3, 2, 2)], ids=str)
def test_a_parameter_of_any_shape_is_filled(initializer_case, shape):
    out = np.full(shape, np.nan)
    initializer_case.fill(out, 1, 1, rng.stream(1, rng.INITIALIZER))
    assert np.isfinite(out).all()


def test_every_attribute_is_tried_at_another_value_than_its_default(initializer_name):
    kind = INITIALIZERS.types[initializer_name]
    fixed = [field.name for field in dataclasses.fields(kind)
             if all(getattr(initializer, field.name) == field.default for initializer in kind.cases())]
    assert fixed == []
