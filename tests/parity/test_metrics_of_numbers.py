"""Metrics of numbers, rows, boxes and distributions against scikit-learn's, or against their definition in plain Python."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcore.metrics.box_iou import BoxIou
from bpcore.metrics.episode_return import EpisodeReturn
from bpcore.metrics.exact_match import ExactMatch
from bpcore.metrics.mae import Mae
from bpcore.metrics.perplexity import Perplexity
from bpcore.metrics.r2 import R2
from bpcore.metrics.relative_rmse import RelativeRmse
from bpcore.metrics.rmse import Rmse
from tests.parity.drawn_metrics import EXAMPLES, generators, n_samples, normal, scores_and_labels, value, weights_for


@pytest.mark.parametrize(("metric", "reference"), [(Mae(), "mean_absolute_error"), (Rmse(), "root_mean_squared_error"), (R2(), "r2_score")],
                         ids=lambda given: str(given))
def test_a_metric_of_numbers_is_scikit_learns(sklearn, same, metric, reference):
    @EXAMPLES
    @given(generators, st.integers(2, 30), st.just(1) if isinstance(metric, Rmse) else st.integers(1, 4), st.sampled_from([0.1, 1.0, 50.0]))
    def holds(random, n, outputs, offset):
        targets, weights = normal(random, (n, outputs)) + np.float32(offset), weights_for(random, n)
        output = (targets + normal(random, (n, outputs))).astype(np.float32).astype(np.float64)
        same(metric, output, targets, weights, getattr(sklearn, reference)(targets, output, sample_weight=weights))

    holds()


@EXAMPLES
@given(generators, n_samples)
def test_relative_rmse_is_scikit_learns_error_over_that_of_zeros(sklearn, same, random, n):
    targets, weights = normal(random, (n, 1)) + np.float32(1), weights_for(random, n)
    output = targets + normal(random, (n, 1))
    error, zeros = (sklearn.root_mean_squared_error(targets, said, sample_weight=weights) for said in (output, np.zeros_like(output)))
    same(RelativeRmse(), output, targets, weights, error / zeros)


@EXAMPLES
@given(generators, n_samples, st.integers(1, 3), st.integers(2, 4))
def test_exact_match_is_the_accuracy_of_whole_rows(sklearn, same, random, n, places, classes):
    """Of rows written as text: scikit-learn compares these."""
    (scores, labels), weights = scores_and_labels(random, (n, places), classes), weights_for(random, n)
    said, wanted = ([str(row) for row in rows] for rows in (scores.argmax(-1), labels))
    same(ExactMatch(), scores, labels, weights, sklearn.accuracy_score(wanted, said, sample_weight=weights))


@EXAMPLES
@given(generators, st.lists(st.integers(1, 9), min_size=1, max_size=8))
def test_episode_return_is_the_mean_over_episodes(same, random, lengths):
    """Of all but the last one, which has not ended; in any order of their steps."""
    returns = normal(random, len(lengths))
    steps = [(0, 0, 0, result, 1 / length * (i < len(lengths) - 1)) for i, (result, length) in enumerate(zip(returns, lengths)) for _ in range(length)]
    targets = random.permutation(np.array(steps))
    wanted = sum(returns[:-1]) / (len(lengths) - 1) if len(lengths) > 1 else math.nan
    if not math.isnan(wanted):
        same(EpisodeReturn(), np.zeros((len(targets), 2)), targets, None, wanted, by="formula")
    else:
        assert math.isnan(value(EpisodeReturn(), np.zeros((len(targets), 2)), targets))


@EXAMPLES
@given(generators, n_samples)
def test_box_iou_is_the_share_of_squares_in_both_boxes(same, random, n):
    """Boxes on a grid: counted square by square."""
    corners, sizes = random.integers(0, 6, (2, n, 2)), random.integers(1, 5, (2, n, 2))
    weights = weights_for(random, n)
    said, true = np.concatenate([corners + sizes / 2, sizes], axis=-1)
    total = 0.0
    for i in range(n):
        one, other = ({(x, y) for x in range(left, left + width) for y in range(top, top + height)}
                      for (left, top), (width, height) in zip(corners[:, i], sizes[:, i]))
        total += (1 if weights is None else float(weights[i])) * len(one & other) / len(one | other)
    same(BoxIou(), said, true, weights, total / (n if weights is None else float(weights.sum())), "formula")


@EXAMPLES
@given(generators, n_samples, st.integers(2, 6))
def test_perplexity_is_e_to_scikit_learns_log_loss(sklearn, same, random, n, classes):
    scores, labels, weights = 3 * normal(random, (n, classes)), random.integers(0, classes, n), weights_for(random, n)
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    wanted = sklearn.log_loss(labels, probabilities / probabilities.sum(axis=1, keepdims=True), labels=range(classes), sample_weight=weights)
    same(Perplexity(), scores, labels, weights, np.exp(wanted))
