"""Shards go from slow ranks to fast ones."""

import numpy as np
import pytest

from worker import balance
from worker.balance import Balance, balanced
from worker.shards import assign


@pytest.mark.parametrize(("counts", "pace", "better"), [
    ([4, 4], [0.25, 0.25], [4, 4]),
    ([3, 3], [1, 1 / 3], [1, 5]),  # 1 s and 5/3 s instead of 3 s and 1 s
    ([6, 6], [1 / 6, 1 / 3], [8, 4]),  # 4/3 s for both instead of 1 s and 2 s
    ([2, 2, 2], [0.5, 0.5, 2], [3, 3, 0]),
    ([5], [0.6], [5]),
    ([4, 0], [0.5, 0], [2, 2]),  # of whom nothing is known is taken to be as fast as the others
    ([0, 0], [0, 0], [0, 0]),
], ids=str)
def test_shards_go_where_they_are_done_first(counts, pace, better):
    assert balanced(counts, pace) == better


@pytest.mark.parametrize("pace", [[1, 1.09], [1, 1.2], [0, 0]], ids=str)
def test_for_little_nothing_is_moved(pace):
    """A move must save a tenth of the step: of ten shards each, one is a tenth of the faster rank's time."""
    assert balanced([10, 10], pace) == [10, 10]


def test_no_shard_is_lost_and_no_step_gets_longer():
    draw = np.random.default_rng(3)
    for _ in range(300):
        counts = draw.integers(0, 9, draw.integers(1, 7)).tolist()
        pace = draw.uniform(0.1, 5, len(counts))
        better = balanced(counts, pace.tolist())
        assert sum(better) == sum(counts) and min(better) >= 0
        assert max(better * pace) <= max(counts * pace)


@pytest.fixture
def steps():
    """`steps(balance, seconds, n)`: notes n steps; in which of them shards have moved."""

    def note(what, seconds, count):
        return [step for step in range(count) if what.note(np.array(seconds))]

    return note


def test_a_slow_rank_gives_shards_away_once_it_is_seen_to_be_slow(steps):
    made = Balance(assign(6, 2))
    assert steps(made, [3.0, 1.0], balance.WINDOW - 1) == []
    assert steps(made, [3.0, 1.0], 1) == [0]
    assert made.assignments == [[0], [1, 2, 3, 4, 5]]


def test_a_rank_that_is_slow_for_a_moment_keeps_its_shards(steps):
    """The median counts."""
    made = Balance(assign(6, 2))
    assert steps(made, [100.0, 1.0], balance.WINDOW // 2 - 1) + steps(made, [1.0, 1.0], balance.WINDOW // 2 + 1) == []
    assert made.assignments == [[0, 1, 2], [3, 4, 5]]


def test_shards_stay_once_they_are_balanced_and_come_back_when_speeds_change(steps):
    made = Balance(assign(6, 2))
    steps(made, [3.0, 1.0], balance.WINDOW)
    assert steps(made, [1.0, 5 / 3], 3 * balance.WINDOW) == []
    assert steps(made, [1 / 3, 5 / 3], balance.WINDOW) == [balance.WINDOW - 1]
    assert made.assignments == [[0, 1, 2], [3, 4, 5]]


def test_every_rank_gets_consecutive_shards(steps):
    made = Balance([[0, 1], [2, 3], [4, 5, 6, 7]])
    steps(made, [1.0, 4.0, 2.0], balance.WINDOW)
    assert [shard for shards in made.assignments for shard in shards] == list(range(8))


def test_a_rank_that_lost_all_its_shards_is_not_tried_again_at_once(steps):
    """Nine times as slow: it looks on, and gets a shard again when its slowness is half forgotten."""
    made = Balance(assign(2, 2))
    assert steps(made, [1.0, 9.0], balance.WINDOW) == [balance.WINDOW - 1]
    assert made.assignments == [[0, 1], []]
    again = steps(made, [2.0, 0.0], 30 * balance.WINDOW)[0]
    assert 10 * balance.WINDOW < again < 20 * balance.WINDOW  # 9 · 0.9^n below 2 · 0.9: n = 16
    assert made.assignments[1]
