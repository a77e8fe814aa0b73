"""What holds for every schedule, and the base class: warm-up, and counting evaluations without progress."""

import dataclasses
import math
from dataclasses import dataclass

import pytest

from bpcore.errors import InvalidInput
from bpcore.schedules import SCHEDULES, Clock, Schedule, evaluations_without_progress
from bpcore.schedules.constant import Constant
from bpcore.schedules.cosine import Cosine

TOTAL, PER_EPOCH = 60, 10
LOSSES = (3.0, 2.0, 2.5, 2.5, 2.4, 2.1, 1.9)


@dataclass(frozen=True)
class Told(Schedule):
    """Hands on the clock that the base class gives it."""

    def shape(self, clock):
        return clock


def factors(schedule, total=TOTAL):
    """The factor of every step of a training, with an evaluation after each epoch."""
    return [schedule.factor(Clock(step, total, PER_EPOCH, LOSSES[:step // PER_EPOCH])) for step in range(total)]


def test_a_factor_is_a_finite_number_and_not_negative(schedule_case):
    for factor in factors(schedule_case):
        assert type(factor) is float and 0 <= factor < math.inf


def test_a_factor_depends_on_the_clock_alone(schedule_case):
    """Resuming in the middle, or asking twice, changes nothing."""
    clock = Clock(37, TOTAL, PER_EPOCH, LOSSES[:3])
    assert factors(schedule_case)[37] == schedule_case.factor(clock) == dataclasses.replace(schedule_case).factor(clock)


@pytest.mark.parametrize("total", [1, 2, 3])
def test_the_shortest_training_has_factors(schedule_case, total):
    """Shorter than a warm-up, and than every period."""
    assert all(0 <= factor < math.inf for factor in factors(schedule_case, total))


def test_a_training_that_goes_on_for_longer_has_factors(schedule_case):
    assert 0 <= schedule_case.factor(Clock(3 * TOTAL, TOTAL, PER_EPOCH, LOSSES)) < math.inf


def test_every_attribute_is_tried_at_another_value_than_its_default(schedule_name):
    kind = SCHEDULES.types[schedule_name]
    fixed = [field.name for field in dataclasses.fields(kind)
             if all(getattr(schedule, field.name) == field.default for schedule in kind.cases())]
    assert fixed == []


def test_warm_up_goes_before_every_schedule(schedule_case):
    """By hand: a quarter, a half, three quarters, one; then the schedule as of its first step."""
    warmed, plain = (dataclasses.replace(schedule_case, warmup=steps) for steps in (4, 0))
    assert factors(warmed, TOTAL + 4)[:4] == [0.25, 0.5, 0.75, 1.0]
    behind = [warmed.factor(Clock(step + 4, TOTAL + 4, PER_EPOCH, LOSSES[:2])) for step in range(TOTAL)]
    assert behind == [plain.factor(Clock(step, TOTAL, PER_EPOCH, LOSSES[:2])) for step in range(TOTAL)]


def test_a_schedules_own_steps_count_from_the_warm_ups_end():
    assert Told(warmup=5).factor(Clock(8, 20, 10, LOSSES)) == Clock(3, 15, 10, LOSSES)
    assert Told().factor(Clock(8, 20, 10, LOSSES)) == Clock(8, 20, 10, LOSSES)


def test_warm_up_may_be_longer_than_the_training():
    assert factors(Constant(warmup=120))[-1] == TOTAL / 120
    assert Told(warmup=30).factor(Clock(35, 20)).total_steps == 1


def test_warm_up_of_one_step_is_none():
    assert factors(Cosine(warmup=1), TOTAL + 1)[1:] == factors(Cosine())


@pytest.mark.parametrize("steps", [-1, 2.5, "long"], ids=str)
def test_warm_up_is_counted_in_steps(steps):
    with pytest.raises(InvalidInput, match="^constant.warmup: expected a non-negative integer, got "):
        SCHEDULES.build({"constant": {"warmup": steps}})


def test_a_clock_counts_whole_epochs():
    assert [Clock(step, 60, 10).passed("epoch") for step in (0, 9, 10, 25)] == [0, 0, 1, 2]
    assert Clock(25, 60, 10).passed("step") == 25


def test_constant_is_one():
    assert factors(Constant()) == [1.0] * TOTAL


def test_cosine_falls_from_one_to_its_floor():
    """By hand, with a floor of 0.2: 1 at the start, 0.6 half way, and the floor behind the last step."""
    found = Cosine(floor=0.2)
    assert [found.factor(Clock(step, 60)) for step in (0, 30, 60, 90)] == pytest.approx([1, 0.6, 0.2, 0.2])
    assert factors(found) == sorted(factors(found), reverse=True)


def test_cosine_starts_again_at_every_cycle():
    found = factors(Cosine(cycles=3))
    assert found[:20] == found[20:40] == found[40:]
    assert [found[0], found[20], found[40]] == [1, 1, 1]


@pytest.mark.parametrize(("evaluations", "count"), [
    ((), 0), ((5,), 0), ((5, 4, 3), 0), ((5, 4, 4), 1), ((5, 4, 6, 4.5), 2), ((5, 6, 7, 4), 0), ((5, 6, 7, 5), 3),
    ((5, 4, math.nan), 1), ((math.nan, math.nan), 2), ((math.nan, 5, 6), 1), ((5, math.inf, 4), 0), ((-1, -2, -1.5), 1),
], ids=str)
def test_evaluations_are_held_against_the_best_before_them(evaluations, count):
    assert evaluations_without_progress(evaluations) == count


@pytest.mark.parametrize(("evaluations", "count"), [
    ((5, 4.95), 1), ((5, 4.9), 1), ((5, 4.8), 0),
    # The best moves on with every small gain, so that many of them never add up to progress.
    ((5, 4.95, 4.86), 2), ((5, 4.95, 4.8), 0),
], ids=str)
def test_a_gain_has_to_be_larger_than_what_is_asked(evaluations, count):
    """4.9 is exactly 0.1 below 5, and 5 − 0.1 is 4.9 in float64."""
    assert evaluations_without_progress(evaluations, min_delta=0.1) == count
