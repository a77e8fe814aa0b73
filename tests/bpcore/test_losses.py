"""What holds for every loss, and the values of each against a naive formula.

A loss without a reference here fails (KeyError).
"""

import numpy as np
import pytest

from bpcore.gradcheck import TOLERANCE, check_loss
from bpcore.losses import Targets
from bpcore.losses.mse import Mse
from bpcore.losses.sigmoid_cross_entropy import SigmoidCrossEntropy
from bpcore.losses.softmax_cross_entropy import SoftmaxCrossEntropy


def sigmoid_cross_entropy(z, t):
    s = 1 / (1 + np.exp(-z))
    return -np.sum(t * np.log(s) + (1 - t) * np.log(1 - s)), z.size


def softmax_cross_entropy(z, labels):
    probabilities = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    return -sum(np.log(row[label]) for row, label in zip(probabilities, labels)), len(z)


# (sum, count), as the docstrings write them
REFERENCES = {
    "mse": lambda y, t: (np.sum((y - t) ** 2), y.size),
    "sigmoid_cross_entropy": sigmoid_cross_entropy,
    "softmax_cross_entropy": softmax_cross_entropy,
}


def evaluate(case, dtype=np.float64, rows=slice(None)):
    """(sum, count, gradient) of a case on fixed random outputs."""
    output = np.random.default_rng(4).standard_normal((len(case.targets), *case.output)).astype(dtype)[rows]
    gradient = np.full_like(output, np.nan)
    return *case.loss.evaluate(output, case.targets[rows], gradient), gradient


def test_the_gradient_is_the_finite_difference(loss_case):
    for check in check_loss(loss_case):
        assert check.error <= TOLERANCE, str(check)


def test_sum_and_count_are_the_formula(loss_case):
    output = np.random.default_rng(4).standard_normal((len(loss_case.targets), *loss_case.output))
    reference = REFERENCES[type(loss_case.loss).__module__.rpartition(".")[2]]
    targets = loss_case.targets
    if targets.size == output.size:  # one number a sample, for an output of one
        targets = targets.reshape(output.shape)
    np.testing.assert_allclose(evaluate(loss_case)[:2], reference(output, targets), rtol=1e-12)


def test_every_loss_has_a_reference(loss_name):
    assert loss_name in REFERENCES


def test_the_gradient_is_written_whole(loss_case):
    assert np.isfinite(evaluate(loss_case)[2]).all()


def test_sums_and_counts_of_shards_add_up(loss_case):
    shards = [evaluate(loss_case, rows=slice(i, i + 1)) for i in range(len(loss_case.targets))]
    whole = evaluate(loss_case)
    np.testing.assert_allclose(np.sum([shard[:2] for shard in shards], axis=0), whole[:2], rtol=1e-14)
    np.testing.assert_allclose(np.concatenate([shard[2] for shard in shards]), whole[2], rtol=1e-14)


def test_the_value_is_the_same_without_a_gradient(loss_case):
    output = np.random.default_rng(4).standard_normal((len(loss_case.targets), *loss_case.output))
    assert loss_case.loss.evaluate(output, loss_case.targets, None) == evaluate(loss_case)[:2]


def test_float32_is_close_to_float64(loss_case):
    single, double = evaluate(loss_case, np.float32), evaluate(loss_case)
    assert single[2].dtype == np.float32
    np.testing.assert_allclose(single[:2], double[:2], rtol=1e-5)
    np.testing.assert_allclose(single[2], double[2], rtol=1e-4, atol=1e-6)


def test_no_sample_is_no_loss(loss_case):
    assert evaluate(loss_case, rows=slice(0, 0))[:2] == (0, 0)


@pytest.mark.parametrize(("label", "loss", "gradient"), [(0, 0, [0, 0]), (1, 1000, [1, -1])])
def test_softmax_of_large_scores_does_not_overflow(label, loss, gradient):
    """By hand: softmax(1000, 0) is (1, 0), and −log of the second is 1000."""
    out = np.full((1, 2), np.nan, np.float32)
    scores = np.array([[1000, 0]], np.float32)
    assert SoftmaxCrossEntropy().evaluate(scores, np.array([label]), out) == (loss, 1)
    assert out.tolist() == [gradient]


@pytest.mark.parametrize(("score", "target", "loss", "gradient"),
                         [(1000, 1, 0, 0), (1000, 0, 1000, 1), (-1000, 1, 1000, -1)])
def test_sigmoid_of_a_large_score_does_not_overflow(score, target, loss, gradient):
    """By hand: sigmoid(±1000) is 1 or 0, and −log of the other side is 1000."""
    out = np.full((1, 1), np.nan, np.float32)
    assert SigmoidCrossEntropy().evaluate(np.array([[score]], np.float32), np.array([target]), out) == (loss, 1)
    assert out.item() == gradient


def test_a_nan_shows_in_the_sum(loss_case):
    output = np.zeros((len(loss_case.targets), *loss_case.output))
    output[0] = np.nan
    assert np.isnan(loss_case.loss.evaluate(output, loss_case.targets, np.empty_like(output))[0])


def test_softmax_of_equal_scores_is_the_log_of_the_classes():
    total, count = SoftmaxCrossEntropy().evaluate(np.zeros((3, 10)), np.array([0, 5, 9]), None)
    assert total / count == pytest.approx(np.log(10))


@pytest.mark.parametrize("loss", [Mse(), SigmoidCrossEntropy()], ids=lambda loss: type(loss).__name__)
def test_one_number_a_sample_fits_an_output_of_one(loss):
    assert loss.target_problem((1,), Targets((), integer=False)) is None
    assert loss.target_problem((2,), Targets((3,), integer=False)) == "expected targets of the output's shape (2,), got (3,)"


@pytest.mark.parametrize(("output", "came"), [((2, 3), "(2, 3)"), ((1,), "(1,)"), ((), "()")])
def test_softmax_takes_scores_of_classes_alone(output, came):
    wants = "expected the model to end in (classes,), at least 2"
    assert SoftmaxCrossEntropy().output_problem(output) == f"{wants}, got {came}; end it in linear"
    assert SoftmaxCrossEntropy().output_problem((2,)) is None


def test_targets_that_are_not_yes_or_no_are_refused():
    problem = SigmoidCrossEntropy().target_problem((1,), Targets((), integer=True, classes=10))
    assert problem == "expected targets in [0, 1], got 9"
    assert SigmoidCrossEntropy().target_problem((1,), Targets((), integer=True, classes=2)) is None
