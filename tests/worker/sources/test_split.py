"""Splits: disjoint, complete, a function of number and seed; groups and folds stay whole."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpcore.attributes import build
from worker.sources.split import Fold, Source


def rows(samples, groups=None, **attributes):
    return build(Source, attributes).rows(samples, (lambda: groups) if groups is not None else None).tolist()


def folded(samples, fold, **attributes):
    return replace(build(Source, attributes), of_fold=fold).rows(samples).tolist()


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
    parts = [[folded(23, Fold(5, number, 0, side)) for side in (False, True)] for number in range(1, 6)]
    tests = [test for _, test in parts]
    assert sorted(sum(tests, [])) == list(range(23)) and [len(test) for test in tests] == [5, 5, 5, 4, 4]
    assert all(sorted(train + test) == list(range(23)) for train, test in parts)


def test_folds_are_of_the_part_that_is_asked_for():
    parts = [folded(30, Fold(3, 2, 0, side), split="train") for side in (False, True)]
    assert sorted(sum(parts, [])) == rows(30, split="train") and [len(part) for part in parts] == [16, 8]


def test_a_group_is_on_one_side():
    groups = np.array(["ann", "bob", "cat", "dan", "eve"])[np.random.default_rng(0).integers(0, 5, 60)]
    train, test = (rows(60, groups, split=split, test_fraction=0.4) for split in ("train", "test"))
    assert not set(groups[train]) & set(groups[test]) and len(set(groups[test])) == 2
    assert sorted(train + test) == list(range(60))


def test_everything_is_the_default():
    assert rows(7) == list(range(7))


@pytest.mark.parametrize(("attributes", "text"), [
    ({"split": "test", "test_fraction": 0.1}, "split: expected at least one sample in the part test, but 3 samples leave none"),
])
def test_a_part_that_cannot_be_is_refused(refused, attributes, text):
    assert refused(lambda: rows(3, **attributes)) == [text]


def test_one_group_cannot_be_divided(refused):
    assert refused(lambda: rows(9, ["a"] * 9, split="test")) == [
        "split: expected at least one sample in the part test, but 1 groups leave none"]
