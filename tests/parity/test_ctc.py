"""Connectionist temporal classification, by its definition."""

import itertools

import numpy as np
import pytest
from witnesses.loss_formulas import softmax

from bpcore.losses.ctc import Ctc
from tests.parity.drawn_losses import distance


def collapse(path, blank):
    return tuple(label for label, _ in itertools.groupby(path) if label != blank)


@pytest.mark.parametrize("blank", [0, 2])
@pytest.mark.parametrize("length", [0, 1, 2, 3])
def test_ctc_is_the_sum_over_all_paths(blank, length):
    random = np.random.default_rng(length)
    z = random.standard_normal((1, 5, 3))
    letters = [label for label in range(3) if label != blank]
    for target in itertools.product(letters, repeat=length):
        found = sum(np.prod([p[label] for p, label in zip(softmax(z)[0], path)])
                    for path in itertools.product(range(3), repeat=5) if collapse(path, blank) == target)
        labels = np.array([[*target, *[-1] * (3 - length)]])
        loss = Ctc(blank=blank).evaluate(z, labels, None, None)[0]
        assert loss == pytest.approx(-np.log(found), rel=1e-12) if found else loss == np.inf


def test_ctc_of_a_long_sequence_stays_exact_in_float32():
    """Of 500 steps; PyTorch's gradient in float32 is off by 8e-4 there."""
    random = np.random.default_rng(0)
    z, labels = random.standard_normal((2, 500, 30)).astype(np.float32), random.integers(1, 30, (2, 60))
    single, double = np.empty_like(z), np.empty(z.shape)
    sums = Ctc().evaluate(z, labels, None, single)[0], Ctc().evaluate(z.astype(np.float64), labels, None, double)[0]
    assert sums[0] == pytest.approx(sums[1], rel=1e-5)
    assert distance(single, double) <= 1e-5


def test_a_target_that_no_path_spells_is_infinite_or_left_out():
    """By hand: 1 1 needs three steps, as a blank must stand between."""
    z, labels, gradient = np.zeros((2, 2, 3)), np.array([[1, 1], [1, 2]]), np.full((2, 2, 3), np.nan)
    assert Ctc().evaluate(z, labels, None, None)[0] == np.inf
    total, count = Ctc(zero_infinity=True).evaluate(z, labels, None, gradient)
    assert (total, count) == (pytest.approx(np.log(9)), 2)
    assert not gradient[0].any() and gradient[1].any()
