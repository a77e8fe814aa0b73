"""Every schedule against PyTorch's, step by step over whole trainings; and what holds for all.

Factors are PyTorch's learning rates over the base rate: relative error ≤ 1e-9, and 1e-12 of the base rate where
they reach 0.
"""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bpcore.errors import InvalidInput
from bpcore.schedules import SCHEDULES, Clock
from bpcore.schedules.constant import Constant
from bpcore.schedules.cosine import Cosine
from bpcore.schedules.exponential import Exponential
from bpcore.schedules.multistep import Multistep
from bpcore.schedules.one_cycle import OneCycle
from bpcore.schedules.plateau import Plateau
from bpcore.schedules.polynomial import Polynomial
from bpcore.schedules.step import Step

RATE = 0.3
CASES = [pytest.param(case, id=f"{name}-{i}") for name, kind in SCHEDULES.types.items() for i, case in enumerate(kind.cases())]
ALL = pytest.mark.parametrize("schedule", CASES)

GAMMAS = st.floats(0.05, 1.1)
UNITS = st.sampled_from(["epoch", "step"])
TRAININGS = st.tuples(st.integers(1, 12), st.integers(1, 5))  # epochs, steps in each


def examples(count):
    return settings(derandomize=True, max_examples=count, deadline=None)


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch", reason="needs PyTorch: pip install torch==2.13.0")


def theirs(torch, make, steps, steps_per_turn=1):
    """PyTorch's factors; its scheduler takes a turn after every `steps_per_turn` steps."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=RATE)
    scheduler, factors = make(optimizer, torch.optim.lr_scheduler), []
    for step in range(1, steps + 1):
        factors.append(optimizer.param_groups[0]["lr"] / RATE)
        optimizer.step()
        if step % steps_per_turn == 0 and step < steps:
            scheduler.step()
    return factors


def ours(schedule, steps, steps_per_epoch=1, total=None):
    return [schedule.factor(Clock(step, total or steps, steps_per_epoch)) for step in range(steps)]


@pytest.fixture(scope="module")
def same(agree):
    """`same(schedule, got, wanted)`: factor by factor; of the base rate where they come near 0."""

    def check(schedule, got, wanted):
        scale = np.maximum(np.abs(wanted), 1e-3)
        agree(schedule, np.divide(got, scale), np.divide(wanted, scale))

    return check


def drawn(**strategies):
    """Runs the test `check(torch, same, …)` over examples of what the strategies draw."""

    def wrap(check):
        def test(torch, same):
            examples(25)(given(**strategies)(lambda **values: check(torch, same, **values)))()

        test.__doc__ = check.__doc__
        return test

    return wrap


def by_turns(torch, same, schedule, training, make):
    """A schedule in a unit: PyTorch's takes its turns after epochs, or after steps."""
    epochs, steps_per_epoch = training
    per_turn = steps_per_epoch if schedule.unit == "epoch" else 1
    steps = epochs * steps_per_epoch
    same(schedule, ours(schedule, steps, steps_per_epoch), theirs(torch, make, steps, per_turn))


@drawn(training=TRAININGS)
def test_constant_is_constant_lr_of_factor_one(torch, same, training):
    same(Constant(), ours(Constant(), training[0]), theirs(torch, lambda o, lr: lr.ConstantLR(o, factor=1.0), training[0]))


@drawn(training=TRAININGS, every=st.integers(1, 6), gamma=GAMMAS, unit=UNITS)
def test_step_is_step_lr(torch, same, training, every, gamma, unit):
    by_turns(torch, same, Step(every=every, gamma=gamma, unit=unit), training, lambda o, lr: lr.StepLR(o, every, gamma))


@drawn(training=TRAININGS, milestones=st.lists(st.integers(1, 40), max_size=4), gamma=GAMMAS, unit=UNITS)
def test_multistep_is_multi_step_lr(torch, same, training, milestones, gamma, unit):
    schedule = Multistep(milestones=tuple(milestones), gamma=gamma, unit=unit)
    by_turns(torch, same, schedule, training, lambda o, lr: lr.MultiStepLR(o, milestones, gamma))


@drawn(training=TRAININGS, gamma=GAMMAS, unit=UNITS)
def test_exponential_is_exponential_lr(torch, same, training, gamma, unit):
    by_turns(torch, same, Exponential(gamma=gamma, unit=unit), training, lambda o, lr: lr.ExponentialLR(o, gamma))


@drawn(steps=st.integers(1, 60), power=st.floats(0.5, 3))
def test_polynomial_to_zero_is_polynomial_lr(torch, same, steps, power):
    wanted = theirs(torch, lambda o, lr: lr.PolynomialLR(o, steps, power), steps + 5)
    same(Polynomial(power=power), ours(Polynomial(power=power), steps + 5, total=steps), wanted)


@drawn(steps=st.integers(1, 60), end=st.floats(0, 1))
def test_polynomial_of_power_one_is_linear_lr(torch, same, steps, end):
    wanted = theirs(torch, lambda o, lr: lr.LinearLR(o, 1.0, end, steps), steps + 5)
    same(Polynomial(end=end), ours(Polynomial(end=end), steps + 5, total=steps), wanted)


@drawn(steps=st.integers(1, 60), floor=st.floats(0, 1))
def test_cosine_is_cosine_annealing_lr(torch, same, steps, floor):
    wanted = theirs(torch, lambda o, lr: lr.CosineAnnealingLR(o, steps, floor * RATE), steps + 1)
    same(Cosine, ours(Cosine(floor=floor), steps + 1, total=steps), wanted)


@drawn(period=st.integers(1, 20), cycles=st.integers(1, 60), floor=st.floats(0, 1))
def test_cosine_of_many_cycles_is_cosine_annealing_warm_restarts(torch, same, period, cycles, floor):
    wanted = theirs(torch, lambda o, lr: lr.CosineAnnealingWarmRestarts(o, period, eta_min=floor * RATE), period * cycles)
    same(Cosine, ours(Cosine(floor=floor, cycles=cycles), period * cycles), wanted)


@drawn(steps=st.integers(2, 80), start=st.floats(0.05, 0.95), div=st.floats(1, 50), final=st.floats(1, 1e4),
             anneal=st.sampled_from(["cosine", "linear"]), three=st.booleans())
def test_one_cycle_is_one_cycle_lr(torch, same, steps, start, div, final, anneal, three):
    if three and start > 0.5:
        start = start / 2
    assume(abs(start * steps - 1) > 1e-9)  # a rise of no steps, by which PyTorch divides
    schedule = OneCycle(pct_start=start, div_factor=div, final_div_factor=final, anneal=anneal, three_phase=three)
    same(schedule, ours(schedule, steps), theirs(torch, lambda o, lr: lr.OneCycleLR(
        o, RATE, steps, pct_start=start, div_factor=div, final_div_factor=final, anneal_strategy=anneal[:3] if anneal == "cosine" else anneal,
        three_phase=three, cycle_momentum=False), steps))


LOSSES = st.lists(st.sampled_from([0.5, 0.9, 0.98, 0.9999, 1.0, 1.01]) | st.floats(0.01, 2) | st.just(math.nan), min_size=15, max_size=40)


@drawn(losses=LOSSES, gamma=st.floats(0.1, 0.9), patience=st.integers(0, 4), threshold=st.floats(0, 0.2),
             cooldown=st.integers(0, 3), floor=st.floats(0, 0.5))
def test_plateau_is_reduce_lr_on_plateau(torch, same, losses, gamma, patience, threshold, cooldown, floor):
    schedule = Plateau(gamma=gamma, patience=patience, threshold=threshold, cooldown=cooldown, floor=floor)
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=RATE)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=gamma, patience=patience, threshold=threshold,
                                                           cooldown=cooldown, min_lr=floor * RATE, eps=0)
    for done in range(1, len(losses) + 1):
        scheduler.step(losses[done - 1])
        got = schedule.factor(Clock(done, len(losses) + 1, evaluations=losses[:done]))
        same(schedule, got, optimizer.param_groups[0]["lr"] / RATE)


@drawn(warmup=st.integers(2, 20), every=st.integers(1, 10))
def test_warm_up_in_front_is_linear_lr_in_sequence(torch, same, warmup, every):
    schedule = Step(every=every, gamma=0.5, unit="step", warmup=warmup)

    def make(o, lr):
        parts = [lr.LinearLR(o, 1 / warmup, total_iters=warmup - 1), lr.StepLR(o, every, 0.5)]
        return lr.SequentialLR(o, parts, [warmup])

    same(schedule, ours(schedule, 60), theirs(torch, make, 60))


@ALL
def test_warm_up_moves_a_schedule_back_and_changes_nothing_else(schedule):
    attributes = {name: getattr(schedule, name) for name in schedule.__dataclass_fields__}
    cold, warm = (type(schedule)(**attributes | {"warmup": steps}) for steps in (0, 8))
    assert ours(warm, 8, 3, total=48) == [(step + 1) / 8 for step in range(8)]
    assert ours(warm, 48, 3)[8:] == ours(cold, 40, 3)


@ALL
def test_factors_are_numbers_at_every_length_and_after_the_end(schedule):
    for total in (1, 2, 3, 10, 100):
        for step in (*range(total), total, 3 * total):
            factor = schedule.factor(Clock(step, total, 3, [1.0] * (step // 3)))
            assert type(factor) is float and math.isfinite(factor) and factor >= 0


def test_plateau_without_evaluations_is_one():
    assert ours(Plateau(patience=0), 50) == [1.0] * 50


def test_plateau_takes_the_threshold_of_negative_losses_from_their_size():
    """A loss of −0.9999 after −1 is no progress; PyTorch's best · (1 − threshold) would say so."""
    schedule = Plateau(patience=0, threshold=0.01)
    assert schedule.factor(Clock(3, 9, evaluations=[-1.0, -0.995])) == 0.1
    assert schedule.factor(Clock(3, 9, evaluations=[-1.0, -1.02])) == 1.0


def test_one_cycle_of_two_steps_ends_at_its_lowest():
    assert ours(OneCycle(), 2)[-1] == pytest.approx(1 / 25 / 1e4)


@pytest.mark.parametrize(("component", "problem"), [
    ("step", "step.every: expected a positive integer, but it is missing"),
    ({"step": {"every": 0}}, "step.every: expected a positive integer, got 0"),
    ({"exponential": {"gamma": 0.9, "unit": "day"}}, 'exponential.unit: expected one of epoch, step, got "day"'),
    ({"multistep": {"milestones": [1.5]}}, "multistep.milestones: expected a list of integers ≥ 0, got [1.5]"),
    ({"plateau": {"factor": 0.5}}, 'plateau.factor: unknown attribute "factor"; known: cooldown, floor, gamma, patience, threshold, warmup'),
], ids=str)
def test_an_attribute_that_does_not_fit_is_refused(component, problem):
    with pytest.raises(InvalidInput) as caught:
        SCHEDULES.build(component)
    assert str(caught.value).startswith(problem)
