"""By priority, then first come, first served, by free slots."""

import random

import pytest

from coordinator.jobs.queue import Slots, Waiting, grants, ordered, starts


def job(job_id, ranks=1, **more):
    return Waiting(job_id, ranks, **more)


def test_jobs_start_in_the_order_of_submission():
    assert grants([job("b"), job("a"), job("c")], Slots(3)) == ["a", "b", "c"]


def test_a_higher_priority_goes_first():
    assert grants([job("a"), job("b", priority=60), job("c", priority=40)], Slots(2)) == ["b", "a"]
    assert [each.id for each in ordered([job("a", priority=1), job("b", priority=2), job("c", priority=2)])] == ["b", "c", "a"]


def test_a_job_may_take_exactly_what_is_free():
    assert grants([job("a", 2), job("b", 2)], Slots(4)) == ["a", "b"]


def test_a_job_waits_for_its_last_slot():
    assert grants([job("a", 2), job("b", 3)], Slots(4)) == ["a"]


def test_nobody_overtakes_a_job_that_does_not_fit():
    assert grants([job("a", 3), job("b", 1)], Slots(2)) == []


@pytest.mark.parametrize("used", [2, 3])  # fewer slots than before a restart: less than none are free
def test_nothing_starts_without_a_free_slot(used):
    assert grants([job("a")], Slots(2, used={"": used})) == []


def test_nobody_waiting_means_nothing_to_start():
    assert grants([], Slots(8)) == []


def test_an_owner_has_no_more_slots_than_one_may_have_and_holds_back_nobody():
    waiting = [job("a", 2, owner="alice"), job("b", 2, owner="alice"), job("c", 2, owner="bob")]
    assert grants(waiting, Slots(8, most=3)) == ["a", "c"]
    assert grants(waiting, Slots(8, most=3, used={"alice": 2})) == ["c"]


def test_a_job_that_is_tried_again_later_holds_back_nobody():
    waiting = [job("a", 2, not_before=100), job("b", 2)]
    assert grants(waiting, Slots(2), now=99) == ["b"]
    assert grants(waiting, Slots(2), now=100) == ["a"]


def test_a_start_is_when_enough_slots_will_be_free():
    waiting = [job("a", 1), job("b", 2), job("c", 1, not_before=500)]
    running = [(100.0, "", 1), (200.0, "", 2)]
    assert starts(waiting, Slots(3, used={"": 3}), running, now=10) == {"a": 100.0, "b": 200.0}
    assert starts(waiting, Slots(4, used={"": 3}), running, now=10) == {"a": 10.0, "b": 200.0, "c": 500.0} | {}


def test_without_a_word_of_those_that_run_a_start_is_not_known():
    assert starts([job("a", 2)], Slots(2, used={"": 2}), [], now=0) == {}


@pytest.mark.parametrize("seed", range(20))
def test_what_starts_is_the_longest_beginning_of_the_queue_that_fits(seed):
    chance = random.Random(seed)
    waiting = [job(f"{i:02}", chance.randint(1, 6)) for i in range(chance.randint(0, 12))]
    free = chance.randint(0, 20)
    totals = [sum(each.ranks for each in waiting[:count]) for count in range(len(waiting) + 1)]
    fits = max(count for count, total in enumerate(totals) if total <= free)
    assert grants(waiting, Slots(free)) == [each.id for each in waiting[:fits]]
