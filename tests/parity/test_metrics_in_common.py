"""What holds for all metrics, on the worked cases that each file brings; and values by hand."""

import math

import numpy as np
import pytest

from bpcore.fields import Field
from bpcore.metrics import METRICS
from bpcore.metrics.accuracy import Accuracy
from bpcore.metrics.auc import Auc
from bpcore.metrics.perplexity import Perplexity
from bpcore.metrics.r2 import R2
from bpcore.metrics.top_k_accuracy import TopKAccuracy
from tests.parity.drawn_metrics import value

CASES = [pytest.param(case, id=f"{name}-{i}") for name, kind in METRICS.types.items() for i, case in enumerate(kind.cases())]
ALL = pytest.mark.parametrize("case", CASES)


def sums(case, rows=slice(None), **replaced):
    weights = replaced.get("weights", case.weights)
    return np.array(case.metric.sums(replaced.get("output", case.output)[rows], replaced.get("targets", case.targets)[rows],
                                     None if weights is None else weights[rows]), np.float64)


@ALL
def test_the_value_is_the_one_worked_by_hand(case):
    assert case.metric.value(sums(case)) == pytest.approx(case.value, rel=1e-12, abs=1e-12)
    assert isinstance(case.metric.value(sums(case)), float)


@ALL
def test_a_metric_keeps_as_many_sums_as_it_says(case):
    assert sums(case).shape == (case.metric.width(case.output.shape[1:]),)


@ALL
def test_sums_of_shards_add_up(case):
    for cut in range(len(case.output) + 1):  # an empty shard too
        np.testing.assert_allclose(sums(case, slice(cut)) + sums(case, slice(cut, None)), sums(case), rtol=1e-12, atol=1e-12)


@ALL
def test_a_sample_of_weight_zero_is_left_out_and_one_of_two_counts_twice(case):
    for times in ([0] * len(case.output), [2] * len(case.output), np.random.default_rng(0).integers(0, 3, len(case.output))):
        repeated = case.metric.sums(np.repeat(case.output, times, axis=0), np.repeat(case.targets, times, axis=0), None)
        np.testing.assert_allclose(sums(case, weights=np.array(times, np.float32)), repeated, rtol=1e-12, atol=1e-12)


@ALL
def test_a_float32_output_gives_the_same_value(case):
    assert case.metric.value(sums(case, output=case.output.astype(np.float32))) == pytest.approx(case.value, rel=1e-6, abs=1e-6)


@ALL
def test_outputs_and_targets_are_only_read_and_may_have_gaps(case):
    output, targets = (np.repeat(array[..., None], 2, axis=-1)[..., 0] for array in (case.output, case.targets))
    output.flags.writeable = targets.flags.writeable = False
    np.testing.assert_array_equal(sums(case, output=output, targets=targets), sums(case))


@ALL
def test_no_sample_is_no_value(case):
    assert math.isnan(case.metric.value(sums(case, slice(0, 0))))


@ALL
def test_a_metric_takes_what_its_cases_hold(case):
    t = case.targets
    field = Field(t.shape[1:], True, int(t.max()) + 1, int(t.min())) if t.dtype.kind == "i" else Field(t.shape[1:])
    assert case.metric.target_problem(case.output.shape[1:], field) is None


def accepts_ignored():
    return [name for name, kind in METRICS.types.items() if "ignored" in kind.__dataclass_fields__]


@pytest.mark.parametrize("name", accepts_ignored())
@pytest.mark.parametrize("ignored", [-1, 255, 1])
def test_an_ignored_label_counts_nothing_inside_or_outside_the_classes(name, ignored):
    random = np.random.default_rng(5)
    outputs = (4, 3, 2) if name == "auc" else (4, 3, 6)
    scores, labels = random.standard_normal(outputs), random.integers(0, outputs[-1], outputs[:-1])
    mask = random.random(labels.shape) < 0.3
    labels = np.where(mask, ignored, labels)
    kind, left = METRICS.types[name], labels != ignored
    found = kind(ignored=ignored).value(np.array(kind(ignored=ignored).sums(scores, labels, None)))
    assert found == pytest.approx(kind().value(np.array(kind().sums(scores[left], labels[left], None))), nan_ok=True)


def test_of_equal_scores_the_first_class_goes_first():
    scores, labels = np.zeros((3, 3)), np.array([0, 1, 2])
    assert Accuracy().sums(scores, labels, None) == TopKAccuracy(k=1).sums(scores, labels, None) == (1, 3)
    assert TopKAccuracy(k=2).sums(scores, labels, None) == (2, 3)


def test_a_score_that_is_no_number_is_no_hit():
    scores = np.array([[np.nan, np.nan], [np.nan, 1.0], [1.0, 0.0]])
    assert TopKAccuracy(k=1).sums(scores, np.array([0, 1, 0]), None) == (1, 3)


def test_a_perplexity_too_large_to_write_is_infinite():
    assert value(Perplexity(), np.array([[1e4, 0.0]], np.float32), np.array([1])) == math.inf


def test_r2_leaves_out_outputs_whose_targets_do_not_vary():
    output, targets = np.array([[1.0, 5.0], [2.0, 6.0], [4.0, 5.0]]), np.array([[1.0, 5.1], [2.0, 5.1], [3.0, 5.1]])
    assert value(R2(), output, targets) == pytest.approx(0.5)
    assert math.isnan(value(R2(), output[:, 1:], targets[:, 1:]))


def test_auc_of_one_class_alone_is_no_value():
    assert math.isnan(value(Auc(), np.array([[1.0], [2.0]]), np.array([1, 1])))
