"""Who computes which samples: pure arithmetic, and nothing padded, dropped or repeated."""

import numpy as np
import pytest

from worker.shards import Schedule, assign, cut

SCHEDULE = Schedule(samples=50, batch_size=12, epochs=3, seed=7)


@pytest.mark.parametrize("start", [0, 24])
@pytest.mark.parametrize("size", range(0, 20))
@pytest.mark.parametrize("shards", [1, 2, 3, 6, 17])
def test_a_cut_covers_the_batch_exactly_once(start, size, shards):
    parts = cut(slice(start, start + size), shards)
    assert len(parts) == shards
    assert [i for part in parts for i in range(part.start, part.stop)] == list(range(start, start + size))


@pytest.mark.parametrize("size", range(0, 20))
@pytest.mark.parametrize("shards", [1, 2, 3, 6, 17])
def test_the_parts_of_a_cut_differ_by_at_most_one_and_the_larger_come_first(size, shards):
    sizes = [part.stop - part.start for part in cut(slice(0, size), shards)]
    assert max(sizes) - min(sizes) <= 1
    assert sizes == sorted(sizes, reverse=True)


def test_a_cut_by_hand():
    assert cut(slice(10, 21), 4) == [slice(10, 13), slice(13, 16), slice(16, 19), slice(19, 21)]
    assert cut(slice(0, 2), 4) == [slice(0, 1), slice(1, 2), slice(2, 2), slice(2, 2)]


@pytest.mark.parametrize("shards", range(1, 18))
def test_ranks_get_consecutive_shards_as_evenly_as_they_go(shards):
    for ranks in range(1, shards + 1):
        parts = assign(shards, ranks)
        assert [shard for part in parts for shard in part] == list(range(shards))
        assert {len(part) for part in parts} <= {shards // ranks, -(-shards // ranks)}


def test_six_shards_on_four_ranks():
    assert [list(part) for part in assign(6, 4)] == [[0, 1], [2, 3], [4], [5]]


@pytest.mark.parametrize(("samples", "batch_size", "steps"), [(50, 12, 5), (48, 12, 4), (49, 12, 5), (1, 12, 1), (12, 1, 12)])
def test_an_epoch_has_as_many_steps_as_batches_begun(samples, batch_size, steps):
    schedule = Schedule(samples, batch_size, epochs=3, seed=0)
    assert (schedule.steps_per_epoch, schedule.total_steps) == (steps, 3 * steps)


def test_epoch_and_place_follow_from_the_step():
    assert [SCHEDULE.epoch(step) for step in (0, 4, 5, 9, 10, 14)] == [0, 0, 1, 1, 2, 2]
    assert [step for step in range(15) if SCHEDULE.ends_epoch(step)] == [4, 9, 14]
    assert [SCHEDULE.batch(step) for step in (0, 4, 5)] == [slice(0, 12), slice(48, 50), slice(0, 12)]


@pytest.mark.parametrize("epoch", [0, 1, 2])
@pytest.mark.parametrize("shards", [1, 4, 12])
def test_every_epoch_uses_each_sample_exactly_once(epoch, shards):
    order = SCHEDULE.order(epoch)
    steps = range(epoch * 5, epoch * 5 + 5)
    used = [order[part] for step in steps for part in cut(SCHEDULE.batch(step), shards)]
    assert sorted(np.concatenate(used)) == list(range(50))


def test_epochs_and_seeds_have_orders_of_their_own():
    orders = [Schedule(50, 12, 3, seed).order(epoch).tolist() for seed in (7, 8) for epoch in (0, 1)]
    assert len({tuple(order) for order in orders}) == 4
    assert list(range(50)) not in orders


def test_the_order_depends_on_seed_and_epoch_alone():
    other = Schedule(samples=50, batch_size=7, epochs=90, seed=7)
    assert other.order(1).tolist() == SCHEDULE.order(1).tolist()
    assert SCHEDULE.order(1).dtype == np.int64
