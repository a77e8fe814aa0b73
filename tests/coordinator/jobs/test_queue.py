"""First come, first served, by free slots."""

import random

import pytest

from coordinator.jobs.queue import grants


def test_jobs_start_in_the_order_of_submission():
    assert grants([("b", 1), ("a", 1), ("c", 1)], free=3) == ["b", "a", "c"]


def test_a_job_may_take_exactly_what_is_free():
    assert grants([("a", 2), ("b", 2)], free=4) == ["a", "b"]


def test_a_job_waits_for_its_last_slot():
    assert grants([("a", 2), ("b", 3)], free=4) == ["a"]


def test_nobody_overtakes_a_job_that_does_not_fit():
    assert grants([("large", 3), ("small", 1)], free=2) == []


@pytest.mark.parametrize("free", [0, -1])  # fewer slots than before a restart: less than none are free
def test_nothing_starts_without_a_free_slot(free):
    assert grants([("a", 1)], free) == []


def test_nobody_waiting_means_nothing_to_start():
    assert grants([], free=8) == []


@pytest.mark.parametrize("seed", range(20))
def test_what_starts_is_the_longest_beginning_of_the_queue_that_fits(seed):
    chance = random.Random(seed)
    waiting = [(str(i), chance.randint(1, 6)) for i in range(chance.randint(0, 12))]
    free = chance.randint(0, 20)
    totals = [sum(ranks for _, ranks in waiting[:count]) for count in range(len(waiting) + 1)]
    fits = max(count for count, total in enumerate(totals) if total <= free)
    assert grants(waiting, free) == [job_id for job_id, _ in waiting[:fits]]
