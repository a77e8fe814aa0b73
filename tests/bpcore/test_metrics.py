"""What holds for every metric, on the worked examples that its file brings."""

import numpy as np
import pytest

from bpcore.fields import Field
from bpcore.metrics import METRICS, weighted
from bpcore.metrics.accuracy import Accuracy


def sums(case, rows=slice(None), weights=None):
    """The sums of a case, or of some of its rows; `weights` instead of its own."""
    given = case.weights if weights is None else weights
    return np.array(case.metric.sums(case.output[rows], case.targets[rows], None if given is None else given[rows]))


def same(found, wanted):
    """Of two values of a metric, which may both be undefined."""
    return found == pytest.approx(wanted, rel=1e-12, nan_ok=True)


def test_the_value_is_the_one_worked_by_hand(metric_case):
    assert metric_case.metric.value(sums(metric_case)) == pytest.approx(metric_case.value, rel=1e-12)


def test_a_metric_keeps_as_many_sums_as_it_says(metric_case):
    assert sums(metric_case).shape == (metric_case.metric.width(metric_case.output.shape[1:]),)


def test_sums_of_shards_add_up(metric_case):
    for cut in range(len(metric_case.output) + 1):  # an empty shard too
        parts = [sums(metric_case, slice(cut)), sums(metric_case, slice(cut, None))]
        np.testing.assert_allclose(np.sum(parts, axis=0), sums(metric_case), rtol=1e-12)


def test_a_float32_output_gives_the_same_value(metric_case):
    found = metric_case.metric.sums(metric_case.output.astype(np.float32), metric_case.targets, metric_case.weights)
    assert metric_case.metric.value(np.array(found)) == pytest.approx(metric_case.value, rel=1e-6)


def test_outputs_targets_and_weights_are_only_read(metric_case):
    arrays = [array if array is None else array.copy() for array in (metric_case.output, metric_case.targets, metric_case.weights)]
    for array in arrays:
        if array is not None:
            array.flags.writeable = False
    metric_case.metric.sums(*arrays)


def test_weights_of_one_change_nothing(metric_case):
    n = len(metric_case.output)
    plain = np.array(metric_case.metric.sums(metric_case.output, metric_case.targets, None))
    np.testing.assert_allclose(sums(metric_case, weights=np.ones(n)), plain, rtol=1e-12)


def test_a_sample_that_counts_nothing_is_as_if_it_were_not_there(metric_case):
    keep = np.arange(len(metric_case.output)) > 0
    found, wanted = sums(metric_case, weights=keep.astype(float)), sums(metric_case, keep, np.ones(len(keep)))
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12)


def test_a_sample_that_counts_twice_is_as_if_it_came_twice(metric_case):
    twice = np.arange(len(metric_case.output)) == 0
    rows = np.repeat(np.arange(len(twice)), 1 + twice)
    found, wanted = sums(metric_case, weights=1.0 + twice), sums(metric_case, rows, np.ones(len(rows)))
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_what_counts_nothing_may_hold_anything(metric_case):
    """A sample of weight 0 with outputs, and numbers as targets, that are not a number."""
    weights, output, targets = np.arange(len(metric_case.output)), metric_case.output.astype(float), metric_case.targets.copy()
    output[0] = np.nan
    if targets.dtype.kind == "f":
        targets[0] = np.nan
    np.testing.assert_allclose(metric_case.metric.sums(output, targets, weights), sums(metric_case, weights=weights), rtol=1e-12)


@pytest.mark.parametrize("kind", [np.bool_, np.int64, np.float32], ids=lambda kind: kind.__name__)
def test_a_mask_may_be_of_any_kind_of_number(metric_case, kind):
    mask = np.arange(len(metric_case.output)) % 2 == 0
    np.testing.assert_allclose(sums(metric_case, weights=mask.astype(kind)), sums(metric_case, weights=mask.astype(float)), rtol=1e-12)


def test_a_metric_of_nothing_is_undefined_but_no_error(metric_case):
    nothing = sums(metric_case, slice(0))
    assert not nothing.any()
    assert np.isnan(metric_case.metric.value(nothing))


def test_what_fits_a_case_is_not_refused(metric_case):
    integer = metric_case.targets.dtype.kind in "bi"
    known = (int(metric_case.targets.max()) + 1, int(metric_case.targets.min())) if integer else (0, 0)
    field = Field(metric_case.targets.shape[1:], integer, *known)
    assert metric_case.metric.target_problem(metric_case.output.shape[1:], field) is None


def test_what_does_not_fit_is_refused_in_words(metric_name):
    """Targets of three axes fit nothing that a case of fewer axes fits."""
    case = next(METRICS.types[metric_name].cases())
    found = case.metric.target_problem(case.output.shape[1:], Field((*case.output.shape[1:], 7, 7)))
    assert found.startswith("expected ") and ", got " in found


def test_weighted_sums_are_those_by_hand():
    """Weights of samples count for each of their elements: 2 · (1 + 0) + 3 · (1 + 1), over 2 · 2 + 2 · 3."""
    hits = np.array([[True, False], [True, True]])
    assert weighted(hits, None) == (3, 4)
    assert weighted(hits, np.array([2, 3])) == (8, 10)
    assert weighted(hits, np.array([[1, 5], [0, 2]])) == (3, 8)


def test_a_tie_goes_to_the_first_class():
    """NumPy's argmax, as documented: the first of equal values."""
    assert Accuracy().sums(np.zeros((2, 3)), np.array([0, 1]), None) == (1, 2)


def test_a_score_of_exactly_zero_is_no_yes():
    assert Accuracy().sums(np.array([[0.0]]), np.array([0]), None) == (1, 1)


def test_labels_of_places_are_counted_one_by_one():
    scores = np.zeros((2, 3, 4)) + [0, 1, 0, 0]
    assert Accuracy().sums(scores, np.array([[1, 1, 0], [1, 2, 3]]), np.array([[1, 1, 1], [1, 0, 0]])) == (3, 4)


@pytest.mark.parametrize(("output", "targets", "problem"), [
    ((3,), Field((), True, 3), None),
    ((1,), Field((), True, 2), None),
    ((5, 3), Field((5,), True, 3), None),
    ((2, 3), Field((), True, 3), "expected integer labels (2,), got (one integer)"),
    ((3,), Field(()), "expected one integer label a sample, got (one number, not an integer)"),
    ((3,), Field((3,)), "expected one integer label a sample, got (3,) numbers"),
], ids=str)
def test_accuracy_takes_one_label_a_place(output, targets, problem):
    assert Accuracy().target_problem(output, targets) == problem
