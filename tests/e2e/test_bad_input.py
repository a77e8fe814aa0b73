"""Bad job files: `submit`, `run` and `python -m worker` refuse them in the same words, all problems at once, and leave nothing."""

import math
import os
import sys

import numpy as np
from bpcore.losses import LOSSES
import pytest
import yaml

from bptrain.v1.spec_pb2 import JobSpec

KEYS = ", ".join(sorted(JobSpec.DESCRIPTOR.fields_by_name))


def model(*layers, shape=(8, 8, 1)):
    return {"model": {"input": list(shape), "layers": list(layers)}}


def npz(train, held_out):
    return {"data": {"train": {"npz": {"path": train}}, "eval": {"npz": {"path": held_out}}}}


CASES = {
    "unknown keys": ({"epoch": 3, "optimizer": {"adam": {"rate": 1}}}, [
        f'epoch: unknown key "epoch"; did you mean epochs? known: {KEYS}',
        'optimizer.adam.rate: unknown attribute "rate"; known: beta1, beta2, epsilon, learning_rate']),
    "unknown names": ({"loss": "softmax_crossentropy", "name": "../../etc"}, [
        "name: expected 1 to 64 letters, digits, '.', '_' or '-', got \"../../etc\"",
        f'loss: unknown loss "softmax_crossentropy"; did you mean softmax_cross_entropy? known: {", ".join(LOSSES.types)}']),
    "wrong types": ({"batch_size": "many", "seed": -1, "epochs": 2.5, "metrics": "accuracy"}, [
        'batch_size: expected an integer from 0 to 4294967295, got "many"', "epochs: expected an integer from 0 to 4294967295, got 2.5",
        'metrics: expected a list, got "accuracy"', "seed: expected an integer from 0 to 18446744073709551615, got -1"]),
    "wrong types of attributes": (model("flatten", {"linear": {"units": "ten"}}) | {"optimizer": {"adam": {"learning_rate": -0.5}}}, [
        'model.layers[1].linear.units: expected a positive integer, got "ten"', "optimizer.adam.learning_rate: expected a number ≥ 0, got -0.5"]),
    "a layer that takes no such shape": (model("flatten", {"conv2d": {"filters": 4, "kernel": 3}}, "flatten", {"linear": {"units": 10}}), [
        "model.layers[1].conv2d: expected (height, width, channels), got (64,); give images a channel axis, such as [28, 28, 1]; "
        "its input is (64,) from flatten_0"]),
    "samples of another shape": (model("flatten", {"linear": {"units": 10}}, shape=(28, 28, 1)), [
        "model.input (data.train): expected [8, 8, 1], the shape of a sample, got [28, 28, 1]",
        "model.input (data.eval): expected [8, 8, 1], the shape of a sample, got [28, 28, 1]"]),
    "too few outputs": (model("flatten", {"linear": {"units": 9}}), [
        f"loss (data.{part}): expected labels 0 … 8, as the model ends in 9 classes, got 9; end the model in linear: {{units: 10}}; "
        f"first seen in sample {place}" for part, place in (("train", 9), ("eval", 2))]),
    "more shards than samples": ({"batch_size": 3}, ["logical_shards: expected at most batch_size = 3, got 4"]),
    "missing and unreadable data": (npz("nope.npz", "text.npz"), [
        'data.train.npz.path: expected a file inside the data root, got "nope.npz"; there is none of that name',
        'data.eval.npz.path: expected a readable .npz file, but "text.npz" is not one']),
    "NaN in the data": (npz("nan.npz", "nan.npz"), [
        f"data.{part}.npz.x: expected finite numbers, but 2 of 64 samples hold NaN or infinity, the first of them sample 3"
        for part in ("train", "eval")]),
    "paths outside the data root": (npz("../secret.npz", "/etc/passwd"), [
        'data.train.npz.path: expected a path inside the data root, got "../secret.npz"',
        'data.eval.npz.path: expected a path inside the data root, got "/etc/passwd"']),
    "a link out of the data root": (npz("link.npz", "train.npz"), [
        'data.train.npz.path: expected a path inside the data root, got "link.npz"']),
}
FILES = {
    "no YAML": ("epochs: [1\nseed: 2\n", "expected YAML or JSON, but in line 2 expected ',' or ']', but got ':'"),
    "a key twice": ("epochs: 1\nepochs: 2\n", "expected YAML or JSON, but in line 1 the key epochs stands twice"),
    "not UTF-8": (b"name: \xff", "expected a job file in UTF-8"),
    "a novel": ("x" * (1 << 21), "expected a job file of at most 1048576 bytes, got 2097152"),
}


@pytest.fixture(scope="module")
def place(standing):
    """The coordinator's data root, with bad data in it and beside it."""
    x, y = np.zeros((64, 8, 8, 1), np.float32), np.zeros(64, np.int64)
    np.savez(standing.folder.parent / "secret.npz", x=x, y=y)
    (standing.folder / "link.npz").symlink_to(standing.folder.parent / "secret.npz")
    (standing.folder / "text.npz").write_text("no archive")
    x[3, 0, 0, 0], x[9, 1, 1, 0] = np.nan, np.inf
    np.savez(standing.folder / "nan.npz", x=x, y=y)
    yield standing
    assert list(standing.client.list()) == []


@pytest.fixture
def ask(place):
    """`ask(job)`: (standard output, standard error, exit code) of the three; none of them may leave a trace."""
    commands = {"submit": [place.program, "submit"], "run": [place.program, "run"], "worker": [sys.executable, "-m", "worker"]}

    def refuse(content, *names):
        path = place.folder / "bad.yaml"
        path.write_bytes(content if isinstance(content, bytes) else yaml.safe_dump(content).encode())
        before = sorted(os.listdir(place.folder))
        asked = [place.popen(*commands[name], path) for name in names or commands]
        said = [(*process.communicate(timeout=120), process.returncode) for process in asked]
        assert sorted(os.listdir(place.folder)) == before
        return said

    return refuse


def refusal(problems):
    """What is printed for these problems."""
    return f"bptrain: {problems[0]}\n" if len(problems) == 1 else "\n  ".join([f"bptrain: {len(problems)} problems", *problems]) + "\n"


@pytest.mark.parametrize(("change", "problems"), CASES.values(), ids=CASES)
def test_a_bad_job_is_refused_by_all_three_in_the_same_words(place, ask, change, problems):
    assert ask(place.small | change) == [("", refusal(problems), 2)] * 3


@pytest.mark.parametrize(("content", "problem"), FILES.values(), ids=FILES)
def test_a_file_that_cannot_be_read_is_refused_by_its_name(place, ask, content, problem):
    (said,) = ask(content if isinstance(content, bytes) else content.encode(), "submit")
    assert said == ("", f"bptrain: {place.folder}/bad.yaml: {problem}\n", 2)


def test_a_file_without_keys_lacks_everything(ask):
    (_, first, code), *others = ask(b"[1, 2]")
    assert code == 2 and others == [("", first, 2)] * 2
    assert "  job: expected keys with values, got [1, 2]\n" in first and "\n  epochs: expected a positive integer, but it is missing or 0\n" in first


@pytest.mark.parametrize(("change", "problem"), [
    ({"batch_size": 1}, "ranks: expected at most batch_size = 1, got 2; every rank needs a sample a step"),
    ({"logical_shards": 1}, "ranks: expected at most logical_shards = 1, got 2; more shards than ranks are fine, fewer are not")],
    ids=["ranks > batch", "ranks > shards"])
def test_more_ranks_than_there_is_work_for_are_refused(place, ask, mpirun, change, problem):
    assert ask(place.small | change, "submit", "run") == [("", refusal([problem]), 2)] * 2
    under_mpirun = mpirun(2, "-m", "worker", place.folder / "bad.yaml", "--data-root", place.folder)
    assert (under_mpirun.returncode, under_mpirun.stdout) == (2, "")
    assert under_mpirun.stderr.startswith(refusal([problem]))


def test_more_ranks_than_slots_are_refused_at_submit(place, ask):
    (said,) = ask(place.small | {"ranks": 3}, "submit")
    assert said == ("", refusal(["ranks: expected at most 2, the coordinator's slots, got 3"]), 2)


def test_a_job_file_that_is_not_there_is_refused(place):
    for command in (["submit"], ["run"], ["submit", "--validate-only"]):
        done = place.bptrain(*command, "none.yaml")
        assert (done.returncode, done.stderr) == (2, "bptrain: none.yaml: expected a readable job file: No such file or directory\n")


@pytest.mark.parametrize("change", [
    {"optimizer": {"adam": {"learning_rate": math.nan}}}, npz("a\0b", "train.npz"), npz("a" * 300, "train.npz"),
    {"optimizer": {"adam": {"learning_rate": 10**400}}}], ids=["not a number", "NUL in a path", "a long path", "a long number"])
def test_odd_values_are_refused_by_their_field(place, ask, change):
    (_, error, code), = ask(place.small | change, "run")
    assert (code, "Traceback" in error) == (2, False)
