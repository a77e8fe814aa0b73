"""Fewer points than there are, with every spike still among them."""

import math
import random

import numpy as np
import pytest

from coordinator.views.thinning import extremes, thin


def kept(values, max_points):
    return [values[i] for i in thin(values, max_points)]


@pytest.fixture(params=range(20))
def values(request):
    """A random walk of random length with a few spikes."""
    chance = random.Random(request.param)
    walk = [chance.gauss(0, 1)]
    for _ in range(chance.randint(0, 400)):
        walk.append(walk[-1] + chance.gauss(0, 1))
    for _ in range(chance.randint(0, 3)):
        walk[chance.randrange(len(walk))] = chance.choice([-1e6, 1e6])
    return walk


@pytest.mark.parametrize("max_points", [4, 5, 10, 33, 100])
def test_few_enough_points_stay_and_in_order(values, max_points):
    indices = thin(values, max_points)
    assert len(indices) <= max_points
    assert list(indices) == sorted(set(indices))


@pytest.mark.parametrize("max_points", [2, 4, 5, 10, 33, 100])
def test_the_ends_and_the_extremes_stay(values, max_points):
    points = kept(values, max_points)
    assert (points[0], points[-1]) == (values[0], values[-1])
    assert max_points < 4 or (min(points), max(points)) == (min(values), max(values))


@pytest.mark.parametrize("max_points", [1, 2, 3, 4])
def test_even_very_few_points_are_not_exceeded(max_points):
    assert len(kept([0, 5, -5, 1, 2], max_points)) <= max_points


@pytest.mark.parametrize("spike_at", [1, 50, 97, 198])
def test_a_spike_of_one_step_stays(spike_at):
    flat = [1.0] * 200
    flat[spike_at] = 9.0
    assert 9.0 in kept(flat, 10)


@pytest.mark.parametrize("count", [0, 1, 2, 3])
@pytest.mark.parametrize("max_points", [0, 4, 100])
def test_a_short_series_stays_as_it_is(count, max_points):
    assert list(thin(range(count), max_points)) == list(range(count))


def test_without_a_limit_everything_stays(values):
    assert kept(values, 0) == values


def test_what_is_not_a_number_does_not_hide_a_spike():
    values = [1.0] * 200
    values[1:100:2] = [math.nan] * 50
    values[40], values[60] = 9.0, -9.0
    assert {9.0, -9.0} <= set(kept(values, 10))


def test_infinity_is_a_spike():
    assert math.inf in kept([1.0] * 50 + [math.inf] + [1.0] * 50, 10)


def test_ranges_are_of_equal_weight():
    """A block that stands for many points has a range of its own."""
    low = np.array([5.0, 4.0, 3.0, 2.0])
    lows, highs = extremes(low, low, np.array([1, 1, 1, 3]), 2)
    assert (list(lows), list(highs)) == ([2, 3], [0, 3])
