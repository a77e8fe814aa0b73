"""sklearn: real data that comes with scikit-learn, split the same way for everyone."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn import datasets

from worker.datasets import FORMATS, DataRoot

# From scikit-learn's own pages: samples, features, classes (0: a regression).
KNOWN = {"breast_cancer": (569, 30, 2), "diabetes": (442, 10, 0), "digits": (1797, 64, 10), "iris": (150, 4, 3), "wine": (178, 13, 3)}


@pytest.fixture
def opened(tmp_path):
    return lambda **attributes: FORMATS.build({"sklearn": attributes}).open(DataRoot(tmp_path))


def rows(data):
    """Samples with their targets, as a sorted list of tuples."""
    batch = data.read(np.arange(len(data)))
    return sorted((*map(float, row), float(target)) for row, target in zip(batch["x"].reshape(len(data), -1), batch["y"]))


@pytest.mark.parametrize("name", KNOWN)
def test_each_set_has_the_size_it_is_known_for(opened, name):
    samples, features, classes = KNOWN[name]
    data = opened(name=name, split="all")
    assert (len(data), np.prod(data.fields["x"].shape), data.fields["y"].classes) == (samples, features, classes)


@pytest.mark.parametrize("name", KNOWN)
def test_train_and_test_are_disjoint_and_complete(opened, name):
    train, test, both = (rows(opened(name=name, split=split)) for split in ("train", "test", "all"))
    assert sorted(train + test) == both
    assert len(test) == round(len(both) * 0.2)


@pytest.mark.parametrize(("fraction", "tests"), [(0.1, 15), (0.5, 75), (0.9, 135)])
def test_the_test_fraction_is_honoured(opened, fraction, tests):
    assert len(opened(name="iris", split="test", test_fraction=fraction)) == tests
    assert len(opened(name="iris", split="train", test_fraction=fraction)) == 150 - tests


def test_another_split_seed_splits_otherwise(opened):
    splits = [rows(opened(name="iris", split="test", split_seed=seed)) for seed in (0, 0, 1)]
    assert splits[0] == splits[1] != splits[2]


def test_train_is_the_default_and_the_split_a_fifth(opened):
    assert rows(opened(name="wine")) == rows(opened(name="wine", split="train", test_fraction=0.2, split_seed=0))


def test_every_class_is_in_both_parts(opened):
    """The samples come sorted by class; a split without shuffling would leave classes out."""
    for split in ("train", "test"):
        data = opened(name="iris", split=split)
        assert set(data.read(np.arange(len(data)))["y"]) == {0, 1, 2}


@pytest.mark.parametrize("name", KNOWN)
def test_the_numbers_are_those_of_scikit_learns_own_loader(opened, name):
    data = opened(name=name, split="all")
    batch = data.read(np.arange(len(data)))
    x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    x = x / 16 if name == "digits" else x
    assert batch["x"].reshape(len(x), -1).tolist() == x.astype(np.float32).tolist() and batch["y"].tolist() == y.tolist()


def test_some_classes_are_those_samples_numbered_in_the_order_given(opened):
    whole, some = (opened(name="digits", **more) for more in ({}, {"classes": [7, 2]}))
    whole, some = (data.read(np.arange(len(data))) for data in (whole, some))
    kept = np.isin(whole["y"], [2, 7])
    assert some["x"].tolist() == whole["x"][kept].tolist()
    assert some["y"].tolist() == np.where(whole["y"][kept] == 7, 0, 1).tolist()


@pytest.mark.parametrize(("name", "text"), [
    ("iris", "classes: expected labels among [0, 1, 2], got [0, 3]"),
    ("diabetes", "classes: expected no classes, as the targets are numbers, got [0, 3]"),
])
def test_classes_that_there_are_not_are_refused(refused, opened, name, text):
    assert refused(lambda: opened(name=name, classes=[0, 3])) == [text]


def test_digits_are_images_from_0_to_1(opened):
    data = opened(name="digits", split="all")
    x = data.read(np.arange(len(data)))["x"]
    assert data.fields["x"].shape == (8, 8, 1) and (x.min(), x.max()) == (0, 1)


def test_scikit_learn_itself_is_not_imported():
    """It takes longer than all else that a rank does before its first step."""
    program = """if True:
        import sys
        from pathlib import Path
        from worker.datasets import FORMATS, DataRoot
        FORMATS.build({"sklearn": {"name": "digits"}}).open(DataRoot(Path()))
        sys.exit("sklearn" in sys.modules)"""
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


@pytest.mark.parametrize(("attributes", "text"), [
    ({"name": "mnist"}, 'sklearn.name: expected one of breast_cancer, diabetes, digits, iris, wine, got "mnist"'),
    ({}, "sklearn.name: expected one of breast_cancer, diabetes, digits, iris, wine, but it is missing"),
    ({"name": "iris", "split": "tset"}, 'sklearn.split: expected one of train, test, all, got "tset"'),
    ({"name": "iris", "test_fraction": 1}, "sklearn.test_fraction: expected a number > 0 and < 1, got 1"),
    ({"name": "iris", "split_seed": -1}, "sklearn.split_seed: expected a non-negative integer, got -1"),
])
def test_an_attribute_that_does_not_fit(refused, attributes, text):
    assert refused(lambda: FORMATS.build({"sklearn": attributes})) == [text]


@pytest.mark.parametrize(("split", "fraction"), [("train", 0.999), ("test", 0.001)])
def test_a_part_without_samples_is_refused(refused, opened, split, fraction):
    found = refused(lambda: opened(name="iris", split=split, test_fraction=fraction))
    assert found == ["x: expected at least one sample, got [0, 4]", "y: expected at least one sample, got [0]"]
