"""Splits: disjoint, complete, a function of number and seed; groups and folds stay whole."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpcore.attributes import build
from worker.sources.split import Fold, Source


def rows(samples, groups=None, classes=None, of_fold=None, **attributes):
    source = replace(build(Source, attributes), of_fold=of_fold)
    return source.rows(samples, *((lambda given=given: given) if given is not None else None for given in (groups, classes))).tolist()


def folded(samples, fold, **attributes):
    return rows(samples, of_fold=fold, **attributes)


def classed(labels, **attributes):
    return rows(len(labels), classes=labels, **attributes)


@settings(deadline=None)
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


@settings(deadline=None)
@given(st.lists(st.integers(0, 4), min_size=10, max_size=120), st.integers(2, 5), st.integers(0, 3))
def test_folds_hold_out_of_each_class_its_share(labels, folds, seed):
    labels = np.array(labels)
    parts = [classed(labels, of_fold=Fold(folds, number, seed, True)) for number in range(1, folds + 1)]
    assert sorted(sum(parts, [])) == list(range(len(labels))) and max(map(len, parts)) - min(map(len, parts)) <= 1
    for label in set(labels.tolist()):
        held = [np.count_nonzero(labels[part] == label) for part in parts]
        assert max(held) - min(held) <= 1  # so a class of two samples or more is never held out as a whole


@settings(deadline=None)
@given(st.lists(st.sampled_from("abc"), min_size=10, max_size=120), st.floats(0.05, 0.95), st.integers(0, 3))
def test_with_stratify_the_test_part_has_of_each_class_its_share(labels, fraction, seed):
    labels, tests = np.array(labels), round(len(labels) * fraction)
    if tests in (0, len(labels)):
        return
    train, test = (classed(labels, split=split, test_fraction=fraction, split_seed=seed, stratify=True) for split in ("train", "test"))
    assert sorted(train + test) == list(range(len(labels))) and len(test) == tests
    for label in set(labels.tolist()):
        assert abs(np.count_nonzero(labels[test] == label) - tests / len(labels) * np.count_nonzero(labels == label)) <= 1


def test_classes_are_divided_alike_where_that_is_said_or_by_custom_in_folds():
    labels, fold = np.arange(40) % 20, Fold(2, 1, 3, True)
    as_they_come = classed(labels, of_fold=fold, stratify=False)
    assert as_they_come == rows(40, of_fold=fold) != classed(labels, of_fold=fold) == classed(labels, of_fold=fold, stratify=True)
    assert rows(40, split="test") == classed(labels, split="test") != classed(labels, split="test", stratify=True)


@pytest.mark.parametrize(("groups", "problem"), [
    (None, "stratify: expected classes, but this data has none; leave it out"),
    (["a", "b", "c"] * 3, "stratify: expected no groups, as these stay whole; leave it out")])
def test_what_cannot_be_divided_alike_is_refused(refused, groups, problem):
    assert refused(lambda: rows(9, groups, split="test", stratify=True)) == [problem]


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
