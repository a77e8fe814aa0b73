"""Classes that come equally often: of each epoch as many, all samples of a class in turn, the same wherever it is computed."""

import numpy as np
import pytest

from worker.data.balanced import Balanced
from worker.datasets import Arrays

LABELS = np.repeat([0, 1, 3], [60, 9, 1])


@pytest.fixture
def balanced():
    """Seventy samples, which x numbers, of three classes."""
    return Balanced(Arrays({"x": np.arange(70, dtype=np.float32)[:, None], "y": LABELS}), "y", seed=3)


def of_epoch(data, epoch):
    found = data.of_epoch(epoch).read(np.arange(len(data)))
    return found["x"].ravel().astype(int).tolist(), found["y"].tolist()


def test_each_class_comes_equally_often_in_each_epoch(balanced):
    for epoch in range(3):
        numbers, labels = of_epoch(balanced, epoch)
        assert [labels.count(each) for each in (0, 1, 3)] == [24, 23, 23]
        counts = [numbers.count(number) for number in range(60, 69)]
        assert sum(counts) == 23 and max(counts) - min(counts) == 1
        assert len(set(numbers[:24])) == 24  # of a large class nothing twice


def test_epochs_differ_and_are_the_same_for_whoever_reads_them(balanced):
    again = Balanced(balanced._data, "y", seed=3)
    assert of_epoch(balanced, 1) == of_epoch(again, 1) != of_epoch(balanced, 2)
    rows = [balanced.of_epoch(1).read(np.array([i]))["x"][0, 0] for i in (69, 3, 40)]
    assert rows == [of_epoch(balanced, 1)[0][i] for i in (69, 3, 40)]


def test_a_job_trains_on_balanced_and_varied_samples(checked, npz):
    x, y = np.zeros((40, 4), np.float32), np.repeat([0, 2], [35, 5])
    data = {"train": {"npz": {"path": npz("odd.npz", x=x, y=y)}}, "transforms": [{"noise": {"stddev": 1}}], "balance": "y"}
    found = checked(data=data).train.of_epoch(1).read(np.arange(40))
    assert np.bincount(found["y"]).tolist() == [20, 0, 20]
    assert len(np.unique(found["x"], axis=0)) == 40  # a sample that comes again is changed otherwise


@pytest.mark.parametrize(("field", "problem"), [
    ("z", 'data.balance: unknown field "z"; known: x, y'), ("x", 'data.balance: expected a field with one integer a sample, got "x"')])
def test_what_cannot_be_balanced_is_refused(checked, refused, npz, field, problem):
    assert refused(lambda: checked(data={"train": {"npz": {"path": npz()}}, "balance": field})) == [problem]


def test_weights_make_all_classes_count_the_same(checked, npz):
    x, y = np.ones((40, 4), np.float32), np.repeat([0, 2], [35, 5])
    data = {"train": {"npz": {"path": npz("odd.npz", x=x, y=y)}}, "transforms": ["class_weight"]}
    job = checked(data=data, loss=None, metrics=None, losses=[{"loss": "softmax_cross_entropy", "weight": "weight"}])
    found = job.train.read(np.arange(40))
    assert np.isclose(found["weight"].mean(), 1) and np.isclose(found["weight"][y == 0].sum(), found["weight"][y == 2].sum())
