"""Folds of the training data: together all samples, apart from each other, and the same on every machine."""

import numpy as np
import pytest

from bptrain.v1.spec_pb2 import JobSpec
from worker.datasets import Arrays
from worker.jobs import folds


def data(samples):
    return Arrays({"x": np.arange(samples, dtype=np.float32)[:, None], "y": np.arange(samples)})


def labels(part):
    return part.read(np.arange(len(part)))["y"].tolist()


@pytest.mark.parametrize(("samples", "count"), [(20, 5), (23, 5), (2, 2), (7, 7)])
def test_each_sample_is_held_out_once_and_else_trained_on(samples, count):
    parts = [folds.divide(data(samples), JobSpec(folds=count, fold=fold, seed=3)) for fold in range(1, count + 1)]
    held_out = [labels(part) for _, part in parts]
    assert sorted(sum(held_out, [])) == list(range(samples))
    assert max(map(len, held_out)) - min(map(len, held_out)) <= 1
    for (train, _), out in zip(parts, held_out):
        assert sorted(labels(train) + out) == list(range(samples))


def test_a_fold_follows_from_the_seed():
    one, again, other = (labels(folds.divide(data(100), JobSpec(folds=5, fold=2, seed=seed))[1]) for seed in (1, 1, 2))
    assert one == again != other


def test_more_folds_than_samples_are_refused(refused):
    assert refused(lambda: folds.divide(data(3), JobSpec(folds=4, fold=1))) == ["folds: expected at most 3, the number of samples, got 4"]


def test_a_job_trains_on_all_but_its_fold(checked, npz):
    job = checked(data={"train": {"npz": {"path": npz()}}}, folds=5, fold=2)
    assert (len(job.train), len(job.eval)) == (40, 10)


def test_a_format_that_knows_its_groups_keeps_them_whole_and_learns_of_the_training_part_alone(checked, tmp_path):
    rows = "".join(f"{ward},{ward},{number},{number % 2}\n" for ward in "abcd" for number in range(12))
    (tmp_path / "wards.csv").write_text("ward,town,dose,ill\n" + rows + "e,e,,1\n")
    table = {"path": "wards.csv", "inputs": ["town", "dose"], "target": "ill", "group": "ward", "missing": "mean"}
    model = {"inputs": {"x": {"shape": [1]}}, "layers": [{"linear": {"units": 2}, "inputs": ["x"]}]}
    jobs = [checked(data={"train": {"csv": table}}, model=model, folds=5, fold=fold) for fold in range(1, 6)]
    assert sorted(len(job.eval) for job in jobs) == [1, 12, 12, 12, 12]
    assert all(len(job.train) + len(job.eval) == 49 for job in jobs)
    assert sorted(len(job.train.learned["texts"]["town"]) for job in jobs) == [4] * 5
    assert all(len(set(job.eval.read(np.arange(len(job.eval)))["town"].tolist())) == 1 for job in jobs)


def test_more_folds_than_groups_are_refused(checked, refused, tmp_path):
    (tmp_path / "few.csv").write_text("who,dose,ill\na,1,0\nb,2,1\na,3,1\n")
    table = {"path": "few.csv", "inputs": ["dose"], "target": "ill", "group": "who"}
    asked = {"data": {"train": {"csv": table}}, "model": {"input": [1], "layers": [{"linear": {"units": 2}}]}}
    assert refused(lambda: checked(**asked, folds=3, fold=1)) == ["data.train.csv: expected groups for 3 folds, got 2"]


@pytest.mark.parametrize(("given", "problem"), [
    ({"fold": 2, "folds": 0}, "fold: expected folds, of which this is one, got 2; say how many there are"),
    ({"folds": 1}, "folds: expected at least 2, got 1"),
    ({"folds": 5, "fold": 6}, "fold: expected 1 to 5, the fold that is held out, got 6; a coordinator and `bptrain run` train all of them"),
    ({"folds": 5}, "fold: expected 1 to 5, the fold that is held out, got 0; a coordinator and `bptrain run` train all of them"),
    ({"folds": 2, "fold": 1, "eval": True}, "data.eval: expected none with folds, as each fold is held out in its turn; leave one out"),
], ids=str)
def test_what_does_not_fit_is_refused(checked, refused, npz, given, problem):
    parts = {"train": {"npz": {"path": npz()}}} | ({"eval": {"npz": {"path": npz()}}} if given.pop("eval", False) else {})
    assert refused(lambda: checked(data=parts, **given)) == [problem]


def test_a_class_is_in_every_fold_s_training(checked, tmp_path):
    """Of three classes two are rare: by chance alone a fold held one of them out as a whole, and was refused."""
    rows = [f"{number},{'rare' if number in (5, 6) else 'seldom' if number in (0, 17) else 'usual'}\n" for number in range(40)]
    (tmp_path / "rare.csv").write_text("dose,kind\n" + "".join(rows))
    table = {"path": "rare.csv", "target": "kind"}
    model = {"input": [1], "layers": [{"linear": {"units": 3}}]}
    for seed in range(4):
        jobs = [checked(data={"train": {"csv": table}}, model=model, folds=5, fold=fold, seed=seed) for fold in range(1, 6)]
        assert all(job.train.learned["classes"] == ["rare", "seldom", "usual"] for job in jobs)
        assert sorted(len(job.eval) for job in jobs) == [8] * 5


def test_data_in_memory_is_divided_by_class_too():
    y = np.repeat([0, 1, 2], [30, 8, 2])
    whole = Arrays({"x": np.zeros((40, 1), np.float32), "y": y})
    held_out = [labels(folds.divide(whole, JobSpec(folds=4, fold=fold, seed=1))[1]) for fold in range(1, 5)]
    assert [np.bincount(each, minlength=3)[1] for each in held_out] == [2] * 4
    assert sorted(np.bincount(each, minlength=3)[2] for each in held_out) == [0, 0, 1, 1]
