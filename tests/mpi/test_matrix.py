"""The matrix: one digest and one curve a model, on any number of ranks, with shared memory and without it, on one host
and on three, under Open MPI and MPICH. Ranks train all jobs one after the other (train_all.py).
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from worker.record import journal

SCRIPT = Path(__file__).with_name("train_all.py")
MPICH = os.environ.get("BPTRAIN_MPICH_PYTHON", "")

# 97 samples in batches of 31: four steps an epoch, the last of 4 samples, so that two of the six shards are empty.
COMMON = {"batch_size": 31, "epochs": 2, "seed": 11, "ranks": 1, "logical_shards": 6, "loss": "softmax_cross_entropy",
          "metrics": ["accuracy"], "recovery": {"keep_s": 1}}
MODELS = {
    "digits-convnet": {"input": [8, 8, 1], "layers": [
        {"conv2d": {"filters": 8, "kernel": 3, "padding": "same"}}, "relu", {"max_pool2d": {"size": 2}}, "flatten", {"linear": {"units": 10}}]},
    "batch-norm": {"input": [8, 8, 1], "layers": [
        {"conv2d": {"filters": 4, "kernel": 3}}, "batch_norm", "relu", {"dropout": {"rate": 0.3}}, "flatten",
        {"linear": {"units": 16}}, {"batch_norm": {"sync": True}}, "relu", {"linear": {"units": 10}}]},
    "char-lstm": {"inputs": {"characters": {"shape": [12], "integer": True, "field": "x"}}, "layers": [
        {"embedding": {"vocabulary": 20, "units": 8}}, {"lstm": {"units": 12, "return_sequences": True}}, {"linear": {"units": 20}}]},
}
OPTIMIZERS = {"digits-convnet": {"adam": {"learning_rate": 0.01}}, "batch-norm": {"sgd": {"learning_rate": 0.05, "momentum": 0.9}},
              "char-lstm": {"adamw": {"learning_rate": 0.01}}}


def write_jobs(folder):
    """Three jobs and their data, each with shared memory and without."""
    draw = np.random.default_rng(5)
    for name, count in (("train", 97), ("eval", 40)):
        np.savez(folder / f"digits-{name}.npz", x=draw.normal(size=(count, 8, 8, 1)).astype(np.float32), y=draw.integers(0, 10, count))
        text = draw.integers(0, 20, (count, 13))
        np.savez(folder / f"text-{name}.npz", x=text[:, :-1], y=text[:, 1:])
    for model, plain in MODELS.items():
        kind = "text" if model == "char-lstm" else "digits"
        data = {part: {"npz": {"path": f"{kind}-{part}.npz"}} for part in ("train", "eval")}
        clipping = {"clipping": {"global_norm": 0.5}} if model == "char-lstm" else {}
        for shared in (True, False):
            job = COMMON | {"name": model, "data": data, "model": plain, "optimizer": OPTIMIZERS[model], "shared_memory": shared} | clipping
            (folder / f"{model}{'' if shared else '-apart'}.job").write_text(yaml.safe_dump(job))


def trained(target):
    """Run → (model, (digest, curve bit by bit), hosts of its ranks), of the runs in a folder."""
    found = {}
    for folder in target.iterdir():
        reports = list(journal.read(folder / "journal"))
        curve = [(step, column.series, column.values[i].hex()) for report in reports for column in report.points.columns
                 for i, step in enumerate(report.points.steps)]
        model, _, apart = folder.name.partition("-apart")
        found[folder.name] = model, (reports[-1].ended.digest, sorted(curve)), [rank.host for rank in reports[0].started.ranks]
    return found


@pytest.fixture(scope="module")
def jobs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("matrix")
    write_jobs(folder)
    return folder


@pytest.fixture(scope="module")
def alone(jobs):
    """Digest and curve of each model, of one process without MPI."""
    done = subprocess.run([sys.executable, str(SCRIPT), "alone"], cwd=jobs, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return {model: result for model, result, _ in trained(jobs / "alone").values()}


@pytest.fixture
def require_one_digest(jobs, alone):
    """`require_one_digest(done, folder, hosts)`: a run of the script gave what one process gives, on these hosts."""

    def check(done, folder, hosts):
        assert done.returncode == 0, done.stdout + done.stderr
        found = trained(jobs / folder)
        assert len(found) == 2 * len(MODELS)
        for name, (model, result, where) in found.items():
            assert result == alone[model], name
            assert sorted(where) == sorted(hosts), name

    return check


def test_the_models_differ_and_learn(alone):
    """So that equal digests say something: 8 training points and 2 evaluations, of loss and accuracy."""
    assert len({digest for digest, _ in alone.values()}) == len(MODELS)
    for _, curve in alone.values():
        assert len(curve) == 2 * (8 + 2)
        losses = [float.fromhex(value) for _, series, value in curve if series == "loss"]
        assert np.mean(losses[4:7]) < np.mean(losses[:3])


@pytest.mark.parametrize("ranks", [1, 2, 3, pytest.param(4, marks=pytest.mark.slow), pytest.param(6, marks=pytest.mark.slow)])
def test_any_number_of_ranks_gives_the_digest_of_one_process(mpirun, jobs, require_one_digest, ranks):
    done = mpirun(ranks, SCRIPT, f"open-mpi-{ranks}", cwd=jobs)
    require_one_digest(done, f"open-mpi-{ranks}", [os.uname().nodename] * ranks)


@pytest.mark.slow
@pytest.mark.parametrize("ranks", [3, 4, 6])
def test_three_hosts_give_the_digest_of_one_process(hosts, jobs, require_one_digest, ranks):
    """One, two or unequally many ranks on a host."""
    done = hosts.mpirun(SCRIPT, f"hosts-{ranks}", cwd=jobs, ranks=ranks)
    require_one_digest(done, f"hosts-{ranks}", [f"host{1 + rank % 3}" for rank in range(ranks)])


@pytest.mark.slow
@pytest.mark.skipif(not MPICH, reason="needs MPICH in an environment of its own: set BPTRAIN_MPICH_PYTHON to its python")
@pytest.mark.parametrize("ranks", [1, 2, 3, 4, 6])
def test_mpich_gives_the_digest_of_one_process(jobs, require_one_digest, ranks):
    command = [Path(MPICH).with_name("mpirun"), "-n", str(ranks), MPICH, str(SCRIPT), f"mpich-{ranks}"]
    done = subprocess.run(command, cwd=jobs, capture_output=True, text=True, timeout=300)
    require_one_digest(done, f"mpich-{ranks}", [os.uname().nodename] * ranks)
