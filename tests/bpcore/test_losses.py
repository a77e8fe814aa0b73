"""What holds for every loss; the values of three against a naive formula, of the others in tests/parity."""

import numpy as np
import pytest
from witnesses import row

from bpcore.fields import Field
from bpcore.gradcheck import STEP, TOLERANCE, check_loss
from bpcore.losses import LOSSES
from bpcore.losses.mse import Mse
from bpcore.losses.sigmoid_cross_entropy import SigmoidCrossEntropy
from bpcore.losses.softmax_cross_entropy import SoftmaxCrossEntropy


def mse(loss, y, t):
    return np.sum((y - t) ** 2), y.size


def sigmoid_cross_entropy(loss, z, t):
    s = 1 / (1 + np.exp(-z))
    return -np.sum(loss.positive_weight * t * np.log(s) + (1 - t) * np.log(1 - s)), z.size


def softmax_cross_entropy(loss, z, t):
    """Place by place, as the docstring says it."""
    total = count = 0.0
    for place in np.ndindex(z.shape[:-1]):
        softmax = np.exp(z[place]) / np.exp(z[place]).sum()
        wanted, weights, own = t[place], np.array(loss.class_weights or [1.0] * len(softmax)), 1.0
        if np.ndim(wanted) == 0:
            if wanted == loss.ignored:
                continue
            wanted, own = np.eye(len(softmax))[wanted], weights[wanted]
        wanted = (1 - loss.smoothing) * wanted + loss.smoothing / len(softmax)
        total, count = total - np.sum(weights * wanted * np.log(softmax)), count + own
    return total, count


# (sum, count), as the docstrings write them
REFERENCES = {"mse": mse, "sigmoid_cross_entropy": sigmoid_cross_entropy, "softmax_cross_entropy": softmax_cross_entropy}


def outputs(case, dtype=np.float64):
    """Fixed random outputs for a case."""
    return np.random.default_rng(4).standard_normal((len(case.targets), *case.output)).astype(dtype)


def evaluate(case, dtype=np.float64, rows=slice(None), weights=None, output=None):
    """(sum, count, gradient) of a case on fixed random outputs."""
    output = (outputs(case, dtype) if output is None else output)[rows]
    gradient = np.full_like(output, np.nan)
    weights = None if weights is None else weights[rows]
    return *case.loss.evaluate(output, case.targets[rows], weights, gradient), gradient


def weights_of(case, seed=7):
    """Weights for each element, a few of them zero."""
    random = np.random.default_rng(seed)
    shape = (len(case.targets), *case.loss.element_shape(case.output))
    return random.integers(0, 4, shape) * random.random(shape)


def test_the_gradient_is_the_finite_difference(loss_case, record_property):
    for check in check_loss(loss_case):
        assert check.error <= TOLERANCE, str(check)
        record_property(f"{row(loss_case.loss)} gradient", check.error)


def test_the_gradient_is_the_finite_difference_with_weights(loss_case):
    output, weights = outputs(loss_case), weights_of(loss_case)
    u = np.random.default_rng(5).standard_normal(output.shape)
    above, below = (evaluate(loss_case, weights=weights, output=output + h * u)[0] for h in (STEP, -STEP))
    analytic, numeric = np.sum(evaluate(loss_case, weights=weights)[2] * u), (above - below) / (2 * STEP)
    assert abs(analytic - numeric) <= TOLERANCE * max(abs(analytic), abs(numeric), 1)


@pytest.mark.parametrize(("name", "case"), [(name, case) for name in REFERENCES for case in LOSSES.types[name].cases()])
def test_sum_and_count_are_the_formula(name, case):
    targets = case.targets
    if len(case.output) == 1 and targets.size == len(targets) * case.output[0]:  # one number a sample
        targets = targets.reshape(len(targets), *case.output)
    np.testing.assert_allclose(evaluate(case)[:2], REFERENCES[name](case.loss, outputs(case), targets), rtol=1e-12)


def test_the_gradient_is_written_whole(loss_case):
    assert np.isfinite(evaluate(loss_case)[2]).all()


def test_a_loss_has_the_shape_that_it_says(loss_case):
    losses = loss_case.loss.elementwise(outputs(loss_case), loss_case.targets, None)
    assert losses.shape == (len(loss_case.targets), *loss_case.loss.element_shape(loss_case.output))


def test_output_and_targets_are_only_read(loss_case):
    output, targets, weights = outputs(loss_case), loss_case.targets.copy(), weights_of(loss_case)
    for array in (output, targets, weights):
        array.flags.writeable = False
    loss_case.loss.evaluate(output, targets, weights, np.empty_like(output))


def test_the_count_is_known_before_any_forward_pass(loss_case):
    for weights in (None, weights_of(loss_case)):
        counted = loss_case.loss.count(loss_case.output, loss_case.targets, weights)
        assert counted == pytest.approx(evaluate(loss_case, weights=weights)[1], rel=1e-14)


def test_sums_and_counts_of_shards_add_up(loss_case):
    for weights in (None, weights_of(loss_case)):
        shards = [evaluate(loss_case, rows=slice(i, i + 1), weights=weights) for i in range(len(loss_case.targets))]
        whole = evaluate(loss_case, weights=weights)
        np.testing.assert_allclose(np.sum([shard[:2] for shard in shards], axis=0), whole[:2], rtol=1e-12)
        np.testing.assert_allclose(np.concatenate([shard[2] for shard in shards]), whole[2], rtol=1e-12, atol=1e-15)


def test_the_value_is_the_same_without_a_gradient(loss_case):
    for weights in (None, weights_of(loss_case)):
        alone = loss_case.loss.evaluate(outputs(loss_case), loss_case.targets, weights, None)
        assert alone == evaluate(loss_case, weights=weights)[:2]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bound_to_arrays_it_follows_the_numbers_in_them(loss_case, dtype):
    output, targets = outputs(loss_case, dtype), loss_case.targets.astype(dtype) if loss_case.targets.dtype.kind == "f" else loss_case.targets.copy()
    for weights in (None, weights_of(loss_case)):
        gradient, wanted = np.empty_like(output), np.empty_like(output)
        trained, alone = (loss_case.loss.bound(output, targets, weights, into) for into in (gradient, None))
        for factor in (1, -0.5):
            output *= dtype(factor)
            expected = loss_case.loss.evaluate(output, targets, weights, wanted)
            for sums in (trained(), alone()):
                assert sums == pytest.approx(expected, rel=1e-6 if dtype == np.float32 else 1e-14, abs=1e-300)
            assert gradient.tobytes() == wanted.tobytes()


def test_float32_is_close_to_float64(loss_case):
    single, double = evaluate(loss_case, np.float32), evaluate(loss_case)
    losses = loss_case.loss.elementwise(outputs(loss_case, np.float32), loss_case.targets, None)
    assert (single[2].dtype, losses.dtype) == (np.float32, np.float32)
    np.testing.assert_allclose(single[:2], double[:2], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(single[2], double[2], rtol=1e-4, atol=1e-6)


def test_an_output_in_any_order_in_memory_is_the_same(loss_case):
    output = outputs(loss_case)
    strided = np.repeat(output, 2, axis=0)[::2]
    backwards = np.ascontiguousarray(output.T).T
    for other in (strided, backwards):
        found, wanted = evaluate(loss_case, output=other), evaluate(loss_case)
        np.testing.assert_allclose(found[:2], wanted[:2], rtol=1e-14)
        np.testing.assert_allclose(found[2], wanted[2], rtol=1e-12, atol=1e-15)


def test_no_sample_is_no_loss(loss_case):
    assert evaluate(loss_case, rows=slice(0, 0))[:2] == (0, 0)


def test_weights_of_one_change_nothing(loss_case):
    plain, ones = evaluate(loss_case), evaluate(loss_case, weights=np.ones(weights_of(loss_case).shape))
    assert ones[:2] == pytest.approx(plain[:2], rel=1e-14)
    assert np.array_equal(ones[2], plain[2])


def test_sums_counts_and_gradients_are_linear_in_the_weights(loss_case):
    a, b = weights_of(loss_case, 1), weights_of(loss_case, 2)
    parts, whole = [evaluate(loss_case, weights=w) for w in (a, b)], evaluate(loss_case, weights=a + b)
    np.testing.assert_allclose(np.sum([part[:2] for part in parts], axis=0), whole[:2], rtol=1e-12)
    np.testing.assert_allclose(parts[0][2] + parts[1][2], whole[2], rtol=1e-12, atol=1e-15)


def test_a_weight_a_sample_is_that_of_all_its_elements(loss_case):
    each = weights_of(loss_case)
    first = np.arange(1.0, len(each) + 1)
    found = evaluate(loss_case, weights=first)
    wanted = evaluate(loss_case, weights=np.broadcast_to(first.reshape(-1, *(1,) * (each.ndim - 1)), each.shape))
    assert found[:2] == pytest.approx(wanted[:2], rel=1e-14)
    assert np.array_equal(found[2], wanted[2])


@pytest.mark.parametrize("kind", [np.bool_, np.int64, np.uint8, np.float32], ids=lambda kind: kind.__name__)
def test_a_mask_may_be_of_any_kind_of_number(loss_case, kind):
    mask = weights_of(loss_case) > 0
    wanted = evaluate(loss_case, np.float32, weights=mask.astype(np.float64))
    found = evaluate(loss_case, np.float32, weights=mask.astype(kind))
    assert found[:2] == pytest.approx(wanted[:2], rel=1e-7)
    assert found[2].dtype == np.float32 and np.array_equal(found[2], wanted[2])


def test_what_counts_nothing_may_hold_anything(loss_case):
    """A sample of weight 0 with outputs, and numbers as targets, that are not a number."""
    weights, output, targets = np.arange(len(loss_case.targets)), outputs(loss_case), loss_case.targets.copy()
    wanted = evaluate(loss_case, weights=weights)
    output[0] = np.nan
    if targets.dtype.kind == "f":
        targets[0] = np.nan
    gradient = np.full_like(output, np.nan)
    assert loss_case.loss.evaluate(output, targets, weights, gradient) == pytest.approx(wanted[:2], rel=1e-12)
    assert not gradient[0].any()
    np.testing.assert_allclose(gradient, wanted[2], rtol=1e-12, atol=1e-15)


def test_a_batch_that_counts_nothing_has_no_loss_and_no_gradient(loss_case):
    total, count, gradient = evaluate(loss_case, weights=np.zeros(len(loss_case.targets)))
    assert (total, count) == (0, 0) and not gradient.any()


def test_a_nan_shows_in_the_sum(loss_case):
    output = np.zeros((len(loss_case.targets), *loss_case.output))
    output[0] = np.nan
    weights = loss_case.loss.element_weights(loss_case.targets)
    if weights is None or np.all(weights[0]):
        assert np.isnan(loss_case.loss.evaluate(output, loss_case.targets, None, np.empty_like(output))[0])


@pytest.mark.parametrize(("label", "loss", "gradient"), [(0, 0, [0, 0]), (1, 1000, [1, -1])])
def test_softmax_of_large_scores_does_not_overflow(label, loss, gradient):
    """By hand: softmax(1000, 0) is (1, 0), and −log of the second is 1000."""
    out = np.full((1, 2), np.nan, np.float32)
    scores = np.array([[1000, 0]], np.float32)
    assert SoftmaxCrossEntropy().evaluate(scores, np.array([label]), None, out) == (loss, 1)
    assert out.tolist() == [gradient]


@pytest.mark.parametrize(("score", "target", "loss", "gradient"),
                         [(1000, 1, 0, 0), (1000, 0, 1000, 1), (-1000, 1, 1000, -1)])
def test_sigmoid_of_a_large_score_does_not_overflow(score, target, loss, gradient):
    """By hand: sigmoid(±1000) is 1 or 0, and −log of the other side is 1000."""
    out = np.full((1, 1), np.nan, np.float32)
    assert SigmoidCrossEntropy().evaluate(np.array([[score]], np.float32), np.array([target]), None, out) == (loss, 1)
    assert out.item() == gradient


def test_softmax_of_equal_scores_is_the_log_of_the_classes():
    total, count = SoftmaxCrossEntropy().evaluate(np.zeros((3, 10)), np.array([0, 5, 9]), None, None)
    assert total / count == pytest.approx(np.log(10))


def test_an_ignored_label_counts_nothing_and_others_by_their_class():
    """By hand: scores are equal, so each loss is log 3; weights 2 and 5, and the third label is left out."""
    loss = SoftmaxCrossEntropy(class_weights=(2.0, 1.0, 5.0), ignored=-1)
    total, count = loss.evaluate(np.zeros((3, 3)), np.array([0, 2, -1]), None, None)
    assert (total, count) == (pytest.approx(7 * np.log(3)), 7)


def test_weights_multiply_those_of_the_labels():
    """By hand: 2 · 3 + 5 · ½; the third weight meets an ignored label."""
    loss = SoftmaxCrossEntropy(class_weights=(2.0, 1.0, 5.0), ignored=-1)
    assert loss.count((3,), np.array([0, 2, -1]), np.array([3, 0.5, 7])) == 8.5


@pytest.mark.parametrize("loss", [Mse(), SigmoidCrossEntropy()], ids=lambda loss: type(loss).__name__)
def test_one_number_a_sample_fits_an_output_of_one(loss):
    assert loss.target_problem((1,), Field(())) is None
    assert loss.target_problem((2,), Field((3,))) == "expected targets of the output's shape (2,), got (3,)"


@pytest.mark.parametrize(("loss", "output", "problem"), [
    (SoftmaxCrossEntropy(), (2,), None), (SoftmaxCrossEntropy(), (7, 2, 3), None),
    (SoftmaxCrossEntropy(), (1,), "expected the model to end in (classes,), at least 2, got (1,); end it in linear"),
    (SoftmaxCrossEntropy(), (), "expected the model to end in (classes,), at least 2, got (); end it in linear"),
    (SoftmaxCrossEntropy(class_weights=(1.0, 2.0)), (3,), "expected 3 class_weights, one a class, got 2"),
], ids=str)
def test_softmax_takes_scores_of_classes_alone(loss, output, problem):
    assert loss.output_problem(output) == problem


@pytest.mark.parametrize(("loss", "output", "targets", "problem"), [
    (SoftmaxCrossEntropy(), (3,), Field((), True, 3), None),
    (SoftmaxCrossEntropy(), (5, 3), Field((5,), True, 3), None),
    (SoftmaxCrossEntropy(), (3,), Field((3,)), None),
    (SoftmaxCrossEntropy(), (3,), Field(()), "expected one integer label a sample, got (one number, not an integer)"),
    (SoftmaxCrossEntropy(), (3,), Field((3,), True, 2), "expected one integer label a sample, got (3,) integers"),
    (SoftmaxCrossEntropy(), (5, 3), Field((), True, 3), "expected integer labels (5,) or distributions (5, 3), got (one integer)"),
    (SoftmaxCrossEntropy(ignored=-1), (3,), Field((3,)), 'expected integer labels for class_weights and ignored, got "distributions"'),
    (SoftmaxCrossEntropy(ignored=-1), (3,), Field((), True, 3, -1), None),
    (SoftmaxCrossEntropy(ignored=3), (3,), Field((), True, 4), None),
    (SoftmaxCrossEntropy(), (3,), Field((), True, 3, -1), "expected labels from 0 on, got -1; name the label to leave out: ignored: -1"),
    (SoftmaxCrossEntropy(), (3,), Field((), True, 4), "expected labels 0 … 2, as the model ends in 3 classes, got 3; "
                                                      "end the model in linear: {units: 4}"),
], ids=str)
def test_softmax_takes_a_label_or_a_distribution_for_each_place(loss, output, targets, problem):
    assert loss.target_problem(output, targets) == problem


def test_targets_that_are_not_yes_or_no_are_refused():
    problem = SigmoidCrossEntropy().target_problem((1,), Field((), True, 10))
    assert problem == "expected targets in [0, 1], got 9"
    assert SigmoidCrossEntropy().target_problem((1,), Field((), True, 2)) is None
