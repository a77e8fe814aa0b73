"""Targets that do not fit a metric, and what users read then."""

import pytest

from bpcore.fields import Field
from bpcore.metrics import METRICS


def integers(shape, classes, lowest=0):
    return Field(shape, True, classes, lowest)


@pytest.mark.parametrize(("metric", "output", "targets", "problem"), [
    ("accuracy", (3,), integers((), 3), None),
    ("accuracy", (1,), Field(()), None),
    ("accuracy", (2, 3), integers((2,), 3), None),
    ("accuracy", (3,), integers((3,), 2), None),
    ("accuracy", (3,), Field(()), "expected one integer label a sample, got (one number, not an integer)"),
    ("accuracy", (3,), Field((3,)), "expected one integer label a sample, got (3,) numbers"),
    ("accuracy", (1,), integers((), 10), "expected targets in [0, 1], got 9"),
    ("f1", (3,), integers((), 3, -1), "expected labels from 0 on, got -1; name the label to leave out: ignored: -1"),
    ({"f1": {"ignored": -1}}, (3,), integers((), 3, -1), None),
    ("f1", (3,), integers((), 4), "expected labels 0 … 2, as the model ends in 3 classes, got 3; end the model in linear: {units: 4}"),
    ({"f1": {"average": "binary"}}, (3,), integers((), 3), "expected an output of one or two classes for average: binary, got 3"),
    ("iou", (4, 4, 1), integers((4, 4), 2), None),
    ("box_iou", (4, 4, 4), Field((4, 4, 4)), None),
    ("box_iou", (4, 4, 5), Field((4, 4, 5)), "expected an output of (…, 4): x, y, width, height, got (4, 4, 5)"),
    ("exact_match", (5, 3), integers((5,), 3), None),
    ("exact_match", (3,), integers((), 3), "expected an output of (…, places, classes), got (3,)"),
    ("exact_match", (5, 3), integers((5,), 3, -1), "expected labels from 0 on, got -1; name the label to leave out: ignored: -1"),
    ("relative_rmse", (2,), Field((3,)), "expected targets of the output's shape (2,), got (3,)"),
    ("episode_return", (2,), Field((5,)), None),
    ("episode_return", (2,), Field((3,)), "expected numbers (…, 5): action, advantage, old log-probability, return and weight, "
                                          "got (3,) numbers; they come with data.environment"),
    ("iou", (4, 4, 1), integers((4, 4, 1), 2), None),
    ("top_k_accuracy", (3,), integers((), 3), "expected an output of (…, classes), at least 5, got (3,); use a smaller k"),
    ("balanced_accuracy", (1001,), integers((), 3), "expected an output of (…, classes), at most 1000, got (1001,)"),
    ("auc", (3,), integers((), 3), "expected an output of one or two classes, with one label, got (3,) with ()"),
    ("auc", (2,), integers((2,), 2), "expected an output of one or two classes, with one label, got (2,) with (2,)"),
    ("mae", (3,), Field((2,)), "expected targets of the output's shape (3,), got (2,)"),
    ("perplexity", (1,), integers((), 2), "expected an output of (…, classes), at least 2, got (1,)"),
    ("character_error_rate", (9, 4), Field((5,)),
     "expected an output of (steps, classes) and integer labels (L,), padded with -1, got (9, 4) and (5,) numbers"),
    ("character_error_rate", (9, 4), integers((5,), 7, -1), "expected labels 0 … 3, and -1 behind shorter ones, got 6"),
    ({"character_error_rate": {"decoding": "argmax"}}, (9, 4), integers((5,), 4, -1),
     "expected a label for each of the 9 steps with decoding: argmax, got 5"),
], ids=str)
def test_targets_that_do_not_fit_are_refused(metric, output, targets, problem):
    assert METRICS.build(metric).target_problem(output, targets) == problem
