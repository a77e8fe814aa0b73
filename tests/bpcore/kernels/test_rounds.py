"""A round over shared memory, beside plain sums; places are played one after the other."""

import numpy as np
import pytest

from bpcore import kernels
from bpcore.kernels.compiled import ANY

WIDTH = 40


@pytest.fixture
def places():
    """`places(3)`: for each place what adds its numbers: numbers → whether all were there."""
    def seat(parts, place):
        addresses, state = np.array([part.ctypes.data for part in parts]), np.zeros(2, np.int64)

        def add(numbers):
            kernels.rounds.add.of(ANY)(numbers, addresses, place, WIDTH, state)
            return not state[1]

        add.parts = parts  # whose memory the addresses stand for
        return add

    def places(count):
        parts = [np.zeros(8 + 2 * WIDTH) for _ in range(count)]
        return [seat(parts, place) for place in range(count)]

    return places


@pytest.mark.parametrize("count", [2, 3, 7])
@pytest.mark.parametrize("size", [1, 7, 8, 13, WIDTH])
def test_a_sum_is_that_of_numpy_in_the_order_of_places(places, count, size):
    stream = np.random.default_rng(count * 100 + size)
    seats = places(count)
    for _ in range(4):
        given = stream.standard_normal((count, size)) * 10.0 ** stream.integers(-9, 9, (count, size))
        expected = given[0].copy()
        for row in given[1:]:
            expected += row
        numbers = [row.copy() for row in given]
        there = [seats[place](numbers[place]) for place in range(count)]
        assert there == [False] * (count - 1) + [True]
        assert all(np.array_equal(mine, row) for mine, row in zip(numbers[:-1], given))  # who was too early has nothing yet
        assert all(seats[place](numbers[place]) for place in range(count - 1))
        assert all(np.array_equal(mine, expected) for mine in numbers)


def test_who_is_a_round_ahead_spoils_nothing(places):
    first, second = places(2)
    mine, theirs, ahead = np.array([1.0]), np.array([2.0]), np.array([30.0])
    assert not first(mine)
    assert second(theirs) and not second(ahead)
    assert first(mine) and (mine[0], theirs[0]) == (3, 3)


def test_what_has_become_of_the_numbers_since_does_not_matter_when_it_is_called_again(places):
    """As where what is done with the sum is made one with it."""
    first, second = places(2)
    mine, theirs = np.array([1.0]), np.array([2.0])
    assert not first(mine)
    mine[0] = 77
    assert second(theirs) and first(mine)
    assert (mine[0], theirs[0]) == (3, 3)
