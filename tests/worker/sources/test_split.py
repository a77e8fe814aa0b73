"""Splits: disjoint, complete, a function of number and seed; groups and folds stay whole."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcore.attributes import build
from worker.sources.split import Source


def rows(samples, groups=None, **attributes):
    return build(Source, attributes).rows(samples, (lambda: groups) if groups is not None else None).tolist()


@given(st.integers(2, 200), st.floats(0.01, 0.99), st.integers(0, 5))
def test_train_and_test_are_disjoint_and_complete(samples, fraction, seed):
    tests = round(samples * fraction)
    if tests in (0, samples):
        return
    train, test = (rows(samples, split=split, test_fraction=fraction, split_seed=seed) for split in ("train", "test"))
    assert sorted(train + test) == list(range(samples)) and len(test) == tests
    assert train == sorted(train) and test == sorted(test)


def test_another_seed_splits_otherwise_and_the_same_one_does_not():
    one, again, other = (rows(50, split="test", split_seed=seed) for seed in (1, 1, 2))
    assert one == again != other


def test_folds_are_disjoint_and_complete_and_of_nearly_equal_size():
    tests = [rows(23, split="test", folds=5, fold=fold) for fold in range(5)]
    assert sorted(sum(tests, [])) == list(range(23)) and [len(test) for test in tests] == [5, 5, 5, 4, 4]
    for fold, test in enumerate(tests):
        assert sorted(rows(23, split="train", folds=5, fold=fold) + test) == list(range(23))


def test_a_group_is_on_one_side():
    groups = np.array(["ann", "bob", "cat", "dan", "eve"])[np.random.default_rng(0).integers(0, 5, 60)]
    train, test = (rows(60, groups, split=split, test_fraction=0.4) for split in ("train", "test"))
    assert not set(groups[train]) & set(groups[test]) and len(set(groups[test])) == 2
    assert sorted(train + test) == list(range(60))


def test_everything_is_the_default():
    assert rows(7) == list(range(7))


@pytest.mark.parametrize(("attributes", "text"), [
    ({"split": "test", "test_fraction": 0.1}, "split: expected at least one sample in the part test, but 3 samples leave none"),
    ({"split": "test", "folds": 5, "fold": 5}, "fold: expected a fold below folds = 5, which is 2 at least, got 5"),
    ({"split": "train", "folds": 1}, "fold: expected a fold below folds = 1, which is 2 at least, got 0"),
])
def test_a_part_that_cannot_be_is_refused(refused, attributes, text):
    assert refused(lambda: rows(3, **attributes)) == [text]


def test_one_group_cannot_be_divided(refused):
    assert refused(lambda: rows(9, ["a"] * 9, split="test")) == [
        "split: expected at least one sample in the part test, but 1 groups leave none"]
