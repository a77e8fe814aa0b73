"""What holds for every metric, on the worked examples that its file brings."""

import numpy as np
import pytest

from bpcore.losses import Targets
from bpcore.metrics.accuracy import Accuracy


def test_the_value_is_the_one_worked_by_hand(metric_case):
    sums = metric_case.metric.sums(metric_case.output, metric_case.targets)
    assert metric_case.metric.value(np.array(sums)) == pytest.approx(metric_case.value, rel=1e-12)


def test_a_metric_keeps_as_many_sums_as_it_says(metric_case):
    assert len(metric_case.metric.sums(metric_case.output, metric_case.targets)) == metric_case.metric.width


def test_sums_of_shards_add_up(metric_case):
    output, targets, metric = metric_case.output, metric_case.targets, metric_case.metric
    for cut in range(len(output) + 1):  # an empty shard too
        parts = [metric.sums(output[:cut], targets[:cut]), metric.sums(output[cut:], targets[cut:])]
        np.testing.assert_allclose(np.sum(parts, axis=0), metric.sums(output, targets), rtol=1e-12)


def test_a_float32_output_gives_the_same_value(metric_case):
    sums = metric_case.metric.sums(metric_case.output.astype(np.float32), metric_case.targets)
    assert metric_case.metric.value(np.array(sums)) == pytest.approx(metric_case.value, rel=1e-6)


def test_outputs_and_targets_are_only_read(metric_case):
    output, targets = metric_case.output.copy(), metric_case.targets.copy()
    output.flags.writeable = targets.flags.writeable = False
    metric_case.metric.sums(output, targets)


def test_a_tie_goes_to_the_first_class():
    """NumPy's argmax, as documented: the first of equal values."""
    assert Accuracy().sums(np.zeros((2, 3)), np.array([0, 1])) == (1, 2)


def test_a_score_of_exactly_zero_is_no_yes():
    assert Accuracy().sums(np.array([[0.0]]), np.array([0])) == (1, 1)


@pytest.mark.parametrize(("output", "targets", "problem"), [
    ((3,), Targets((), integer=True, classes=3), None),
    ((1,), Targets((), integer=True, classes=2), None),
    ((2, 3), Targets((), integer=True, classes=3), "expected an output of (classes,), got (2, 3)"),
    ((3,), Targets((), integer=False), "expected one integer label a sample, got () numbers"),
    ((3,), Targets((3,), integer=True, classes=2), "expected one integer label a sample, got (3,) numbers"),
], ids=str)
def test_accuracy_takes_one_label_a_sample(output, targets, problem):
    assert Accuracy().target_problem(output, targets) == problem
