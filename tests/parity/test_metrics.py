"""Metrics of classes against scikit-learn's."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcore.metrics import METRICS
from bpcore.metrics.accuracy import Accuracy
from bpcore.metrics.auc import Auc
from bpcore.metrics.balanced_accuracy import BalancedAccuracy
from bpcore.metrics.top_k_accuracy import TopKAccuracy
from tests.parity.drawn_metrics import EXAMPLES, generators, n_samples, normal, scores_and_labels, value, weights_for

PER_CLASS = {"precision": "precision_score", "recall": "recall_score", "f1": "f1_score", "iou": "jaccard_score"}


@EXAMPLES
@given(generators, n_samples, st.integers(2, 6))
def test_accuracy_is_scikit_learns(sklearn, same, random, n, classes):
    (scores, labels), weights = scores_and_labels(random, n, classes), weights_for(random, n)
    same(Accuracy(), scores, labels, weights, sklearn.accuracy_score(labels, scores.argmax(1), sample_weight=weights))


@EXAMPLES
@given(generators, n_samples, st.integers(3, 6), st.integers(1, 3))
def test_top_k_accuracy_is_scikit_learns(sklearn, same, random, n, classes, k):
    scores, labels, weights = normal(random, (n, classes)), random.integers(0, classes, n), weights_for(random, n)
    wanted = sklearn.top_k_accuracy_score(labels, scores, k=min(k, classes - 1), sample_weight=weights, labels=range(classes))
    same(TopKAccuracy(k=min(k, classes - 1)), scores, labels, weights, wanted)


@pytest.mark.parametrize("average", ["macro", "micro", "weighted"])
@pytest.mark.parametrize("name", PER_CLASS)
def test_a_ratio_of_each_class_is_scikit_learns(sklearn, same, name, average):
    @EXAMPLES
    @given(generators, n_samples, st.integers(2, 6))
    def holds(random, n, classes):
        (scores, labels), weights = scores_and_labels(random, n, classes), weights_for(random, n)
        wanted = reference(labels, scores.argmax(1), average=average, sample_weight=weights, zero_division=0)
        same(METRICS.types[name](average=average), scores, labels, weights, wanted)

    reference = getattr(sklearn, PER_CLASS[name])
    holds()


@pytest.mark.parametrize("name", PER_CLASS)
def test_a_ratio_of_yes_and_no_is_scikit_learns(sklearn, same, name):
    """From one output, and from two."""

    @EXAMPLES
    @given(generators, n_samples, st.integers(1, 2))
    def holds(random, n, outputs):
        scores, labels, weights = normal(random, (n, outputs), 1), random.integers(0, 2, n), weights_for(random, n)
        said = scores[:, 0] > 0 if outputs == 1 else scores.argmax(1)
        metric = METRICS.types[name](average="binary")
        if not (labels.any() or said.any()):
            assert math.isnan(value(metric, scores, labels, weights))  # where there is no yes at all; scikit-learn says 0
            return
        same(metric, scores, labels, weights, reference(labels, said, sample_weight=weights, zero_division=0))

    reference = getattr(sklearn, PER_CLASS[name])
    holds()


@pytest.mark.parametrize("average", ["macro", "micro", "weighted"])
@pytest.mark.parametrize("name", PER_CLASS)
def test_a_ratio_of_several_yes_and_no_is_scikit_learns(sklearn, same, name, average):
    @EXAMPLES
    @given(generators, n_samples, st.integers(2, 4))
    def holds(random, n, outputs):
        scores, targets = normal(random, (n + 2, outputs)), random.integers(0, 2, (n + 2, outputs))
        targets[:2] = [[0], [1]]  # every output has both, as scikit-learn's mean counts outputs that never say yes
        weights = weights_for(random, n + 2)
        wanted = reference(targets, scores > 0, average=average, sample_weight=weights, zero_division=0)
        same(METRICS.types[name](average=average), scores, targets, weights, wanted)

    reference = getattr(sklearn, PER_CLASS[name])
    holds()


@EXAMPLES
@given(generators, n_samples, st.integers(2, 6))
def test_balanced_accuracy_and_its_matrix_are_scikit_learns(sklearn, same, random, n, classes):
    (scores, labels), weights = scores_and_labels(random, n, classes), weights_for(random, n)
    metric = BalancedAccuracy()
    wanted = sklearn.recall_score(labels, scores.argmax(1), labels=np.unique(labels), average="macro", sample_weight=weights, zero_division=0)
    same(metric, scores, labels, weights, wanted)  # balanced_accuracy_score, without its warnings
    matrix = sklearn.confusion_matrix(labels, scores.argmax(1), labels=range(classes), sample_weight=weights)
    np.testing.assert_allclose(metric.matrix(metric.sums(scores, labels, weights)), matrix, rtol=1e-9)


@EXAMPLES
@given(generators, st.integers(2, 200), st.sampled_from([0.1, 1.0, 5.0, 40.0]), st.integers(1, 2), st.sampled_from([2, 64, 1024]))
def test_auc_is_scikit_learns_within_the_bound_that_its_page_gives(sklearn, random, n, scale, outputs, bins):
    labels, weights = random.integers(0, 2, n), weights_for(random, n)
    labels[:2] = [0, 1]
    scores = scale * (random.standard_normal((n, outputs)) + labels[:, None] * np.arange(2)[-outputs:])
    wanted = sklearn.roc_auc_score(labels, scores[:, -1] - (scores[:, 0] if outputs == 2 else 0), sample_weight=weights)
    no, yes = np.reshape(Auc(bins=bins).sums(scores, labels, weights), (2, -1))
    bound = (no * yes).sum() / (no.sum() * yes.sum()) / 2
    assert abs(value(Auc(bins=bins), scores, labels, weights) - wanted) <= bound + 1e-12


@EXAMPLES
@given(generators, st.integers(2, 100))
def test_auc_of_scores_that_lie_in_bins_of_their_own_is_exact(sklearn, same, random, n):
    labels = random.integers(0, 2, n)
    labels[:2] = [0, 1]
    scores = random.choice(np.arange(-200, 200), n) / 100  # bins are at most 0.018 wide there; equal scores stay equal
    same(Auc(bins=4096), scores[:, None], labels, None, sklearn.roc_auc_score(labels, scores))
