"""What holds for all losses, on the cases that each file brings."""

import numpy as np
import pytest

from bpcore.fields import Field
from bpcore.losses import LOSSES
from bpcore.losses.poisson import Poisson
from tests.parity.drawn_losses import distance

FLOATS = [np.float64, np.float32]
DTYPES = pytest.mark.parametrize("dtype", FLOATS, ids=["float64", "float32"])
CASES = [pytest.param(case, id=f"{name}-{i}") for name, kind in LOSSES.types.items() for i, case in enumerate(kind.cases())]
ALL = pytest.mark.parametrize("case", CASES)


def outputs(case, dtype=np.float64):
    return np.random.default_rng(4).standard_normal((len(case.targets), *case.output)).astype(dtype)


def evaluate(case, output, targets, weights=None):
    """(sum, count, gradient)."""
    gradient = np.full_like(output, np.nan)
    return *case.loss.evaluate(output, targets, weights, gradient), gradient


def assert_same(one, other, tolerance=1e-12):
    assert max(distance(np.array(a), np.array(b)) for a, b in zip(one, other, strict=True)) <= tolerance


@ALL
def test_a_sample_of_weight_zero_is_left_out_and_one_of_two_counts_twice(case):
    output, random = outputs(case), np.random.default_rng(1)
    for times in ([0] * len(output), [2] * len(output), random.integers(0, 3, len(output))):
        repeated = evaluate(case, np.repeat(output, times, axis=0), np.repeat(case.targets, times, axis=0))
        total, count, gradient = evaluate(case, output, case.targets, np.array(times, np.float32))
        assert (total, count) == (pytest.approx(repeated[0], rel=1e-12, abs=1e-12), pytest.approx(repeated[1]))
        single = evaluate(case, output, case.targets)[2]
        np.testing.assert_allclose(gradient, single * np.reshape(times, (-1, *[1] * len(case.output))), rtol=1e-12, atol=1e-15)


@ALL
def test_each_element_counts_by_its_weight_alone(case):
    """What all weights give together is what each gives by itself, and all ones give what none do."""
    output, shape = outputs(case), (len(case.targets), *case.loss.element_shape(case.output))
    weights = np.random.default_rng(2).choice([0.0, 0.5, 1.0, 2.0], shape)
    parts = [evaluate(case, output, case.targets, np.where(place, weights, 0)) for place in one_at_a_time(shape)]
    assert_same(evaluate(case, output, case.targets, weights), [sum(column) for column in zip(*parts)])
    assert_same(evaluate(case, output, case.targets, np.ones(shape)), evaluate(case, output, case.targets))


def one_at_a_time(shape):
    for place in np.ndindex(shape):
        mask = np.zeros(shape, bool)
        mask[place] = True
        yield mask


@ALL
def test_the_count_is_known_before_any_output(case):
    shape = (len(case.targets), *case.loss.element_shape(case.output))
    for weights in (None, np.full(len(case.targets), 0.5), np.random.default_rng(2).random(shape)):
        count = case.loss.evaluate(outputs(case), case.targets, weights, None)[1]
        assert case.loss.count(case.output, case.targets, weights) == pytest.approx(count, rel=1e-12)


@ALL
def test_shards_add_up_and_a_batch_of_one_is_a_row(case):
    output = outputs(case)
    shards = [evaluate(case, output[i:i + 1], case.targets[i:i + 1]) for i in range(len(output))]
    total, count, gradient = evaluate(case, output, case.targets)
    totals, counts, gradients = zip(*shards)
    assert_same((total, count, gradient), (sum(totals), sum(counts), np.concatenate(gradients)))
    assert case.loss.evaluate(output[:0], case.targets[:0], None, output[:0].copy()) == (0, 0)


@ALL
def test_losses_have_the_outputs_type_and_the_shape_they_say(case):
    for dtype in FLOATS:
        output = outputs(case, dtype)
        losses = case.loss.elementwise(output, case.targets, np.empty_like(output))
        assert (losses.dtype, losses.shape) == (dtype, (len(output), *case.loss.element_shape(case.output)))


@ALL
@pytest.mark.parametrize("size", [50, 1e4])
def test_extreme_scores_give_finite_numbers(case, size):
    size = min(size, 80) if isinstance(case.loss, Poisson) else size  # e^88 is all that a float32 holds
    for sign in (-1, 1):
        total, _, gradient = evaluate(case, sign * np.float32(size) * np.sign(outputs(case, np.float32)), case.targets)
        assert np.isfinite(total) and np.isfinite(gradient).all()


@ALL
def test_outputs_of_zero_give_finite_numbers(case):
    total, _, gradient = evaluate(case, np.zeros_like(outputs(case, np.float32)), case.targets)
    assert np.isfinite(total) and np.isfinite(gradient).all()


@ALL
def test_a_nan_shows_in_the_sum(case):
    output = outputs(case)
    output[0] = np.nan
    assert np.isnan(evaluate(case, output, case.targets)[0])


@ALL
def test_arrays_may_have_gaps_and_are_only_read(case):
    output, wide = outputs(case), np.full((len(case.targets), *case.output, 2), np.nan)
    spaced = np.repeat(output[..., None], 2, axis=-1)[..., 0]
    targets = np.repeat(case.targets[..., None], 2, axis=-1)[..., 0]
    output.flags.writeable = spaced.flags.writeable = targets.flags.writeable = False
    sums = case.loss.evaluate(spaced, targets, None, wide[..., 0])
    assert_same((*sums, wide[..., 0]), evaluate(case, output, case.targets))


@ALL
def test_the_value_is_the_same_without_a_gradient(case):
    output = outputs(case)
    assert case.loss.evaluate(output, case.targets, None, None) == evaluate(case, output, case.targets)[:2]


@ALL
def test_a_loss_takes_what_its_cases_hold(case):
    t = case.targets
    field = Field(t.shape[1:], True, int(t.max()) + 1, int(t.min())) if t.dtype.kind == "i" else Field(t.shape[1:])
    assert case.loss.output_problem(case.output) is None
    assert case.loss.target_problem(case.output, field) is None
