"""A round over shared memory, beside plain sums; places are played one after the other."""

import numpy as np
import pytest

from bpcore import kernels
from bpcore.kernels.compiled import ANY

WIDTH = 40


@pytest.fixture
def places():
    """`places(3)`: for each place what adds its numbers: (numbers, number of the round) → whether all were there."""
    def places(count):
        parts = [np.zeros(8 + 2 * WIDTH) for _ in range(count)]
        addresses = np.array([part.ctypes.data for part in parts])
        add = kernels.rounds.add.of(ANY)
        return [lambda numbers, number, place=place, _=parts: add(numbers, addresses, place, number, (8 + number % 2 * WIDTH) * 8) for place in range(count)]

    return places


@pytest.mark.parametrize("count", [2, 3, 7])
@pytest.mark.parametrize("size", [1, 7, 8, 13, WIDTH])
def test_a_sum_is_that_of_numpy_in_the_order_of_places(places, count, size):
    stream = np.random.default_rng(count * 100 + size)
    seats = places(count)
    for number in range(1, 5):
        given = stream.standard_normal((count, size)) * 10.0 ** stream.integers(-9, 9, (count, size))
        expected = given[0].copy()
        for row in given[1:]:
            expected += row
        numbers = [row.copy() for row in given]
        there = [seats[place](numbers[place], number) for place in range(count)]
        assert there == [False] * (count - 1) + [True]
        assert all(np.array_equal(mine, row) for mine, row in zip(numbers[:-1], given))  # who was too early has lost nothing
        assert all(seats[place](numbers[place], number) for place in range(count - 1))
        assert all(np.array_equal(mine, expected) for mine in numbers)


def test_who_is_a_round_ahead_spoils_nothing(places):
    first, second = places(2)
    mine, theirs, ahead = np.array([1.0]), np.array([2.0]), np.array([30.0])
    assert not first(mine, 1)
    assert second(theirs, 1) and not second(ahead, 2)
    assert first(mine, 1) and (mine[0], theirs[0]) == (3, 3)
