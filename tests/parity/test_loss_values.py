"""Losses worked by hand."""

import numpy as np
import pytest

from bpcore.losses.contrastive import Contrastive
from bpcore.losses.cosine_embedding import CosineEmbedding
from bpcore.losses.dice import Dice
from bpcore.losses.focal import Focal
from bpcore.losses.hinge import Hinge
from bpcore.losses.huber import Huber
from bpcore.losses.kl_divergence import KlDivergence
from bpcore.losses.multi_margin import MultiMargin
from bpcore.losses.poisson import Poisson
from bpcore.losses.policy_gradient import PolicyGradient
from bpcore.losses.sigmoid_cross_entropy import SigmoidCrossEntropy
from bpcore.losses.softmax_focal import SoftmaxFocal
from bpcore.losses.triplet import Triplet


@pytest.mark.parametrize(("loss", "output", "target", "value", "gradient"), [
    (Huber(delta=2.0), [3.0], 0.0, 4.0, [2.0]),
    (Hinge(), [0.25], 1, 0.75, [-1.0]),
    (Hinge(), [0.25], -1, 1.25, [1.0]),
    (MultiMargin(), [1.0, 0.5, 0.0], 0, 0.5 / 3, [-1 / 3, 1 / 3, 0.0]),
    (Poisson(), [0.0], 3, 1.0, [-2.0]),
    (Focal(alpha=0.5, gamma=0.0), [0.0], 1, 0.5 * np.log(2), [-0.25]),
    (SigmoidCrossEntropy(positive_weight=4.0), [0.0], 1, 4 * np.log(2), [-2.0]),
    (KlDivergence(), [0.0, 0.0], [1.0, 0.0], np.log(2), [-0.5, 0.5]),
    (Dice(), [[0.0], [0.0]], [[1], [1]], 1 - 3 / 4, [[-0.25 * 5 / 16]] * 2),
    (CosineEmbedding(), [[3.0, 0.0], [0.0, 2.0]], 1, 1.0, [[0.0, -1 / 3], [-0.5, 0.0]]),
    (Contrastive(margin=7.0), [[3.0, 0.0], [0.0, 4.0]], 0, 2.0, [[-1.2, 1.6], [1.2, -1.6]]),
    (Contrastive(), [[1.0], [1.0]], 0, 0.5, [[0.0], [0.0]]),
    (Triplet(), [[0.0], [3.0], [5.0]], 0, 0.0, [[0.0]] * 3),
    (PolicyGradient(), [0.0, 0.0], [1, 2.0], 2 * np.log(2), [1.0, -1.0]),
    (PolicyGradient(form="ppo"), [0.0, 0.0], [0, 1.0, np.log(0.25)], -1.2, [0.0, 0.0]),
    (PolicyGradient(form="ppo"), [0.0, 0.0], [0, -1.0, np.log(0.25)], 2.0, [1.0, -1.0]),
], ids=str)
def test_the_value_is_the_one_worked_by_hand(loss, output, target, value, gradient):
    out = np.full((1, *np.shape(output)), np.nan)
    assert loss.evaluate(np.array([output]), np.array([target]), None, out) == (pytest.approx(value, abs=1e-12), 1)
    np.testing.assert_allclose(out[0], gradient, atol=1e-6 if isinstance(loss, Triplet) else 1e-12)


@pytest.mark.parametrize("loss", [Focal(gamma=0.5), SoftmaxFocal(gamma=0.5)], ids=str)
def test_a_focal_loss_below_gamma_one_has_a_gradient_where_nothing_is_missing(loss):
    output = np.array([[200.0, 0.0]], np.float32)
    out = np.full_like(output, np.nan)
    total, _ = loss.evaluate(output, np.array([[1, 0]]) if isinstance(loss, Focal) else np.array([0]), None, out)
    assert np.isfinite(total) and np.isfinite(out).all()


@pytest.mark.parametrize("action", [-1, 3, 0.5, np.nan])
def test_an_action_that_there_is_not_is_no_number_unless_masked(action):
    targets = np.array([[action, 1.0], [2, 1.0]])
    assert np.isnan(PolicyGradient().evaluate(np.zeros((2, 3)), targets, None, None)[0])
    assert PolicyGradient().evaluate(np.zeros((2, 3)), targets, np.array([0.0, 1.0]), None) == (pytest.approx(np.log(3)), 1)


def test_further_numbers_of_a_policy_target_are_not_looked_at():
    z, targets = np.zeros((1, 2)), np.array([[1, 2.0, 9.0, np.nan]])
    assert PolicyGradient().evaluate(z, targets, None, None)[0] == pytest.approx(2 * np.log(2))
