"""A stopwatch tells apart what a step's time is spent on."""

import time

from worker.stopwatch import OFF, Running


def test_a_mark_says_what_the_time_since_the_mark_before_was_spent_on():
    watch = Running()
    began = time.perf_counter()
    time.sleep(0.02)
    watch.mark("read")
    watch.mark("forward")
    time.sleep(0.01)
    watch.mark("read")
    whole = time.perf_counter() - began
    assert list(watch.seconds) == ["read", "forward"]
    assert watch.seconds["read"] >= 0.03 > watch.seconds["forward"]
    assert abs(sum(watch.seconds.values()) - whole) < 1e-3


def test_one_that_stands_still_notes_nothing():
    assert OFF.mark("read") is None and not vars(OFF)
