"""Transforms in a training: the same bits on 1 and 3 ranks, learned of the training data alone, kept in the checkpoint."""

import json
import re

import numpy as np
import pytest
import yaml

from worker.jobs import checks, jobfile

LISTED = [{"standardise": {"per": "channel"}}, {"flip": {"probability": 0.5}}, {"crop": {"shift": 1}}, {"one_hot": {"field": "y"}},
          {"mixup": {"alpha": 0.4}}, {"noise": {"stddev": 0.1}}]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A job, and its runs on 1 rank and on 3."""
    folder, draw = tmp_path_factory.mktemp("transforms"), np.random.default_rng(3)
    for name, count in (("train", 50), ("test", 20)):
        np.savez(folder / f"{name}.npz", x=draw.normal(2, 3, (count, 4, 4, 1)).astype(np.float32), y=draw.integers(0, 3, count))
    layers = ["flatten", {"linear": {"units": 3}}]
    (folder / "job.yaml").write_text(yaml.safe_dump({
        "name": "varied", "data": {"train": {"npz": {"path": "train.npz"}}, "eval": {"npz": {"path": "test.npz"}}, "transforms": LISTED, "balance": "y"},
        "model": {"input": [4, 4, 1], "layers": layers}, "loss": "softmax_cross_entropy", "optimizer": {"adam": {"learning_rate": 0.01}},
        "batch_size": 12, "epochs": 2, "seed": 3, "logical_shards": 4, "ranks": 1, "recovery": {"keep_s": 1}}))
    return folder


def digest(process):
    assert process.returncode == 0, process.stderr
    return re.search(r"sha256:(\w+)", process.stdout)[1]


def test_the_same_bits_on_1_and_3_ranks(folder, mpirun):
    one, three = (digest(mpirun(ranks, "-m", "worker", "job.yaml", "--run-dir", f"run-{ranks}", cwd=folder)) for ranks in (1, 3))
    assert one == three
    kept = [json.loads((next((folder / f"run-{ranks}" / "checkpoints").glob("step-*")) / "data.json").read_text()) for ranks in (1, 3)]
    x = np.load(folder / "train.npz")["x"]
    assert kept[0] == kept[1] and np.allclose(kept[0]["transforms"][0]["mean"], x.mean(axis=(0, 1, 2)))


def test_held_out_data_goes_the_same_way(folder):
    job = checks.check(*jobfile.read(folder / "job.yaml")[:1], folder)
    train, test = (np.load(folder / f"{name}.npz")["x"] for name in ("train", "test"))
    assert np.allclose(job.eval.read(np.arange(20))["x"], (test - train.mean()) / train.std(), atol=1e-5)
    assert job.eval.fields["y"].shape == (3,)


def test_a_job_is_checked_without_reading_its_samples(folder):
    job = checks.check(*jobfile.read(folder / "job.yaml")[:1], folder)
    assert job.chain._learned is None


def test_problems_are_named_by_their_place_in_the_job_file(folder, refused):
    plain = yaml.safe_load((folder / "job.yaml").read_text())
    plain["data"]["transforms"] = ["standardize", {"crop": {"shift": -1}}]
    found = refused(lambda: checks.check(jobfile.parse(plain)[0], folder))
    assert found[0].startswith('data.transforms[0]: unknown transform "standardize"; did you mean standardise? known: ')
    assert found[1] == "data.transforms[1].crop.shift: expected an integer ≥ 1, or two of them (height, width), got -1"
    plain["data"]["transforms"] = [{"flip": {"field": "y"}}]
    assert refused(lambda: checks.check(jobfile.parse(plain)[0], folder))[0] == (
        "data.transforms[0].flip.field: expected pictures (height, width, channels), got []")
