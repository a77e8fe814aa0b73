"""Outputs, targets and attributes that do not fit a loss, and what users read then."""

import pytest

from bpcore.errors import InvalidInput
from bpcore.fields import Field
from bpcore.losses import LOSSES


def integers(shape, classes, lowest=0):
    return Field(shape, True, classes, lowest)


@pytest.mark.parametrize(("loss", "output", "problem"), [
    ("ctc", (4,), "expected the model to end in (steps, classes), at least 2 classes, got (4,)"),
    ({"ctc": {"blank": 5}}, (7, 4), "expected a blank in 0 … 3, got 5"),
    ("dice", (4,), "expected the model to end in (…, channels) with axes to sum over, got (4,); "
                   "give masks a channel axis, such as [28, 28, 1]"),
    ("triplet", (2, 8), "expected the model to end in (…, 3, features): anchor, positive, negative, got (2, 8); "
                        "put them on one axis with reshape"),
    ("contrastive", (8,), "expected the model to end in (…, 2, features): two vectors, got (8,); "
                          "put them on one axis with reshape"),
    ("multi_margin", (1,), "expected the model to end in (classes,), at least 2, got (1,); end it in linear"),
    ("policy_gradient", (1,), "expected the model to end in (actions,), at least 2, got (1,); end it in linear"),
    ({"softmax_focal": {"class_weights": [1, 2]}}, (3,), "expected 3 class_weights, one a class, got 2"),
], ids=str)
def test_an_output_that_does_not_fit_is_refused(loss, output, problem):
    assert LOSSES.build(loss).output_problem(output) == problem


@pytest.mark.parametrize(("loss", "output", "targets", "problem"), [
    ("mae", (2,), Field((3,)), "expected targets of the output's shape (2,), got (3,)"),
    ("huber", (4, 1), Field((4,)), None),
    ("poisson", (1,), integers((), 9, -1), "expected counts from 0 on, got -1"),
    ("sigmoid_cross_entropy", (1,), integers((), 10), "expected targets in [0, 1], got 9"),
    ("focal", (1,), integers((), 2, -1), "expected targets in [0, 1], got -1"),
    ("hinge", (1,), integers((), 2, -1), None),
    ("hinge", (1,), integers((), 3), "expected targets 1 for yes, 0 or −1 for no, got 2"),
    ("softmax_focal", (3,), integers((), 3, -1),
     "expected labels from 0 on, got -1; name the label to leave out: ignored: -1"),
    ("multi_margin", (3,), integers((), 5),
     "expected labels 0 … 2, as the model ends in 3 classes, got 4; end the model in linear: {units: 5}"),
    ("multi_margin", (3,), Field((3,)), "expected one integer label a sample, got (3,) numbers"),
    ("kl_divergence", (3,), integers((), 3), "expected distributions (3,), got (one integer)"),
    ("softmax_cross_entropy", (2, 3), Field((2,)), "expected integer labels (2,) or distributions (2, 3), got (2,) numbers"),
    ("cosine_embedding", (2, 8), Field((8,)), "expected one number a sample, got (8,)"),
    ("contrastive", (2, 8), integers((), 4), "expected targets 1 for yes, 0 or −1 for no, got 3"),
    ("triplet", (3, 8), integers((7,), 40), None),
    ("policy_gradient", (3,), Field((1,)), "expected numbers (2,): action, advantage, got (1,) numbers"),
    ({"policy_gradient": {"form": "ppo"}}, (3,), Field((2,)),
     "expected numbers (3,): action, advantage, old log-probability, got (2,) numbers"),
    ("ctc", (9, 4), Field((3,)), "expected integer labels (L,), padded with -1, got (3,) numbers"),
    ("ctc", (9, 4), integers((3,), 4), "expected labels that are not the blank 0, and -1 behind shorter ones, got 0"),
    ({"ctc": {"blank": 3}}, (9, 4), integers((3,), 4),
     "expected labels that are not the blank 3, and -1 behind shorter ones, got 3"),
    ("ctc", (9, 4), integers((3,), 4, -2), "expected labels that are not the blank 0, and -1 behind shorter ones, got -2"),
    ("ctc", (9, 4), integers((3,), 7, -1), "expected labels 0 … 3, as the model ends in 4 classes, got 6"),
    ("ctc", (9, 4), integers((12,), 4, -1),
     "expected at most 9 labels, as there are 9 steps, got 12; let the model keep more steps"),
    ({"ctc": {"zero_infinity": True}}, (9, 4), integers((12,), 4, -1), None),
], ids=str)
def test_targets_that_do_not_fit_are_refused(loss, output, targets, problem):
    assert LOSSES.build(loss).target_problem(output, targets) == problem


@pytest.mark.parametrize(("loss", "message"), [
    ({"multi_margin": {"p": 3}}, "multi_margin.p: expected 1 or 2, got 3"),
    ({"multi_margin": {"p": [1]}}, "multi_margin.p: expected 1 or 2, got [1]"),
    ({"softmax_focal": {"ignored": 0.5}}, "softmax_focal.ignored: expected an integer label, got 0.5"),
    ({"softmax_focal": {"ignored": "pad"}}, 'softmax_focal.ignored: expected an integer label, got "pad"'),
    ({"focal": {"alpha": 1}}, "focal.alpha: expected a number > 0 and < 1, got 1"),
    ({"policy_gradient": {"form": "trpo"}}, 'policy_gradient.form: expected one of a2c, ppo, got "trpo"'),
], ids=str)
def test_attributes_that_do_not_fit_are_refused(loss, message):
    with pytest.raises(InvalidInput) as refused:
        LOSSES.build(loss)
    assert str(refused.value) == message
