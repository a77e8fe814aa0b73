"""Sums over a table in memory, by threads in place of ranks."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest

from worker.comm import table
from worker.comm.table import Table
from worker.comm.watch import Unwatched


@pytest.fixture
def sit():
    """`sit(3, work)`: what `work(place, table)` gives, in order of places."""
    def sit(size, work):
        parts = [np.zeros(table.SIZE_BYTES // 8) for _ in range(size)]
        with ThreadPoolExecutor(size) as pool:
            return list(pool.map(lambda place: work(place, Table(parts, place)), range(size)))

    return sit


def nothing():
    pass


@pytest.mark.parametrize("size", [2, 3, 5])
def test_every_round_is_whole(sit, size):
    def work(place, table):
        sums = []
        for number in range(300):
            array = np.array([float(number), 10.0 ** place])
            table.sum(array, nothing, Unwatched())
            sums.append(array.tolist())
        return sums

    expected = [[float(number * size), sum(10.0 ** place for place in range(size))] for number in range(300)]
    assert sit(size, work) == [expected] * size


def test_the_order_of_additions_is_that_of_ranks(sit):
    terms = [1e16, 1.0, -1e16]

    def work(place, table):
        array = np.array([terms[place]])
        table.sum(array, nothing, Unwatched())
        return array[0]

    assert sit(3, work) == [(1e16 + 1.0) - 1e16] * 3


def test_who_waits_for_the_dead_learns_of_it(sit):
    gone = Barrier(2)

    def look():
        raise ConnectionError("rank 1 has died")

    def work(place, table):
        gone.wait()
        if place == 0:
            with pytest.raises(ConnectionError, match="rank 1 has died"):
                table.sum(np.zeros(1), look, Unwatched())
        return place

    assert sit(2, work) == [0, 1]


def test_it_takes_few_plain_numbers():
    here = Table([np.zeros(table.SIZE_BYTES // 8)] * 2, 0)
    assert here.takes(np.zeros(table.WIDTH)) and not here.takes(np.zeros(table.WIDTH + 1))
    assert not here.takes(np.zeros(1, np.float32)) and not here.takes(np.zeros((1, 1))) and not here.takes(np.zeros(4)[::2])
