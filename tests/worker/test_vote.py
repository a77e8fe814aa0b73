"""The vote: what it adds, and in which order."""

import numpy as np

from worker.comm.alone import Alone
from worker.vote import Flags, Voter


def test_rows_are_added_in_the_tree():
    """((0+1)+(2+3))+4 is 1 in double precision; from left to right it would be 2."""
    rows = {shard: np.array([value]) for shard, value in enumerate([1.0, 1e16, -1e16, 1.0, 1.0])}
    assert Voter(Alone(), 5, 1).vote(rows).row.tolist() == [1.0]


def test_a_vote_without_rows_is_of_zeros():
    vote = Voter(Alone(), 3, 4).vote({})
    assert (vote.row.tolist(), vote.flags, vote.seconds) == ([0, 0, 0, 0], Flags(), [0])


def test_seconds_and_tallies_ride_in_it():
    vote = Voter(Alone(), 3, 4).vote({}, used=(5, (1 << 32) - 1), seconds=0.25)
    assert (vote.seconds, vote.used) == ([0.25], (5, (1 << 32) - 1))


def test_a_vote_holds_nothing_of_the_one_before():
    voter = Voter(Alone(), 2, 1)
    first = voter.vote({0: np.ones(1), 1: np.ones(1)}, Flags(stop=True), (3, 4), 1.0)
    second = voter.vote({})
    assert (first.row.tolist(), second.row.tolist()) == ([2], [0])
    assert (second.flags, second.used, second.seconds) == (Flags(), (0, 0), [0])
