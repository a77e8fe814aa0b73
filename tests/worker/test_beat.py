"""Which steps are looked at."""

from worker import beat
from worker.beat import Beat


def looked_at(made, steps, seconds):
    found = []
    for step in range(*steps):
        if made.looks_behind(step):
            found.append(step)
            made.note(step, seconds)
    return found


def test_every_long_step_is_looked_at():
    assert looked_at(Beat(), (5, 9), [0.002, 0.7]) == [5, 6, 7, 8]
    assert looked_at(Beat(), (5, 9), [beat.PERIOD_S]) == [5, 6, 7, 8]


def test_of_short_steps_one_in_a_period_by_the_slowest_rank():
    assert looked_at(Beat(), (0, 30), [beat.PERIOD_S / 50, beat.PERIOD_S / 10.5]) == [0, 10, 20]


def test_steps_that_become_long_are_looked_at_again():
    made = Beat()
    assert looked_at(made, (0, 10), [beat.PERIOD_S / 10.5]) == [0]
    assert looked_at(made, (10, 15), [1.0]) == [10, 11, 12, 13, 14]


def test_however_short_they_are_some_are_looked_at():
    assert looked_at(Beat(), (0, 2 * beat.MOST + 1), [1e-9]) == [0, beat.MOST, 2 * beat.MOST]


def test_those_that_are_wanted_are_looked_at_too():
    assert looked_at(Beat(every=4), (0, 24), [beat.PERIOD_S / 10.5]) == [0, 3, 7, 11, 15, 19, 23]


def test_a_clock_that_stands_still_says_nothing():
    assert looked_at(Beat(), (0, 3), [0.0]) == [0, 1, 2]
