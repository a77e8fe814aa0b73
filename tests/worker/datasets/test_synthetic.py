"""Synthetic tasks: what is hidden can be found, and is the same for training and test."""

import numpy as np
import pytest

from worker.datasets import FORMATS, DataRoot


@pytest.fixture
def drawn(tmp_path):
    """`drawn(task="text", …)`: all samples of a synthetic data set."""

    def draw(**attributes):
        data = FORMATS.build({"synthetic": attributes}).open(DataRoot(tmp_path))
        return data.read(np.arange(len(data)))

    return draw


def test_samples_have_the_shape_asked_for(drawn):
    found = drawn(task="classes", shape=[4, 5, 3], classes=7, samples=50)
    assert found["x"].shape == (50, 4, 5, 3) and found["y"].shape == (50,)
    assert set(found["y"]) <= set(range(7)) and len(set(found["y"])) > 3


@pytest.mark.parametrize("task", ["classes", "yes_no"])
def test_what_is_learned_in_training_holds_in_the_test(drawn, task):
    """Least squares on 2,000 samples of 8 numbers finds the hidden directions, far better than by chance."""
    train, test = (drawn(task=task, classes=3, samples=2000, split=split) for split in ("train", "test"))
    wanted = train["y"] * 2 - 1 if task == "yes_no" else np.eye(3)[train["y"]]
    found = np.linalg.lstsq(train["x"], wanted, rcond=None)[0]
    scores = test["x"] @ found
    told = scores > 0 if task == "yes_no" else np.argmax(scores, axis=1)
    assert (told == test["y"]).mean() > 0.85


def test_a_text_says_the_next_symbol_and_most_follow_from_the_one_before(drawn):
    train, test = (drawn(task="text", classes=20, length=30, samples=500, split=split) for split in ("train", "test"))
    assert (train["x"][:, 1:] == train["y"][:, :-1]).all()
    pairs = np.zeros((20, 20))
    np.add.at(pairs, (train["x"], train["y"]), 1)
    follows = pairs.argmax(axis=1)
    assert 0.85 < (follows[test["x"]] == test["y"]).mean() < 0.95  # nine in ten, and one in twenty of the rest


def test_another_seed_gives_other_samples(drawn):
    one, again, other = (drawn(task="yes_no", seed=seed)["x"] for seed in (1, 1, 2))
    assert (one == again).all() and (one != other).any()
