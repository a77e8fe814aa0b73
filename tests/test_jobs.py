"""Every job of deploy/jobs, smaller: it learns, and gives the same bits on one rank and on three.

At full size, with what each must reach: `python tests/bench/applications.py`. Ranks train all jobs one after the other
(mpi/train_all.py), so that one start of mpirun does for all.
"""

import importlib.util
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from safetensors.numpy import save_file

from bpcore import Model
from worker.datasets import FORMATS, DataRoot
from worker.jobs import jobfile, specs
from worker.record import journal

ROOT = Path(__file__).parent.parent
JOBS = sorted((ROOT / "deploy" / "jobs").glob("*.yaml"))
SCRIPT = ROOT / "tests" / "mpi" / "train_all.py"
SAMPLES, BATCH = 160, 16
UTTERANCES = 3  # of each voice
CAN_SPEAK = bool(shutil.which("espeak-ng")) and importlib.util.find_spec("soundfile") is not None
CAN_PLAY = importlib.util.find_spec("gymnasium") is not None
LACKING = {*["speech"] * (not CAN_SPEAK), *["cartpole"] * (not CAN_PLAY)}
NEEDS = {"speech": pytest.mark.skipif(not CAN_SPEAK, reason="needs espeak-ng, and pip install 'bptrain[audio]'"),
         "cartpole": pytest.mark.skipif(not CAN_PLAY, reason="needs Gymnasium: pip install 'bptrain[gym]'")}
each_job = pytest.mark.parametrize("path", [pytest.param(path, id=path.stem, marks=NEEDS.get(path.stem, ())) for path in JOBS])


def small(job):
    """The job for one epoch of a few samples, in shards for three ranks."""
    for name, part in job["data"].items():
        for kind, attributes in part.items():
            if kind == "sklearn":
                attributes["test_fraction"] = 0.6 if name == "train" else 0.1
            elif name == "environment":
                attributes |= {"environments": 2, "steps": 16, "passes": 2, "episodes": 7, "longest": 20}
            elif kind not in ("wav", "idx"):
                attributes["samples"] = SAMPLES
    job |= {"fold": 1} if "folds" in job else {}
    return job | {"epochs": 1, "batch_size": BATCH, "logical_shards": max(3, job["logical_shards"]), "recovery": {"keep_s": 1}}


def write_start(folder):
    """What transfer.yaml starts from, untrained."""
    spec, _ = jobfile.read(ROOT / "deploy" / "jobs" / "digits_0_to_4.yaml")
    save_file(dict(Model(specs.parse_maths(spec)).initialize(spec.seed).named()), folder / "digits_0_to_4.safetensors")


def write_digits(folder):
    """A small set in MNIST's format for mnist.yaml: scikit-learn's digits, three times as large, with a border."""
    data = FORMATS.build({"sklearn": {"name": "digits", "split": "all"}}).open(DataRoot(folder))
    batch = data.read(np.arange(SAMPLES + 20))
    images = np.pad(np.kron(batch["x"][..., 0] * 255, np.ones((1, 3, 3))), ((0, 0), (2, 2), (2, 2))).astype(np.uint8)
    for name, rows in (("train", slice(SAMPLES)), ("t10k", slice(SAMPLES, None))):
        for kind, array in (("images-idx3", images[rows]), ("labels-idx1", batch["y"][rows].astype(np.uint8))):
            head = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)  # LeCun's page: 8 is unsigned bytes
            (folder / f"{name}-{kind}-ubyte").write_bytes(head + array.tobytes())


@pytest.fixture(scope="module")
def trained(tmp_path_factory, mpirun_in):
    """The folder with all jobs' runs: alone/NAME and three/NAME."""
    folder = tmp_path_factory.mktemp("jobs")
    write_start(folder)
    write_digits(folder)
    if CAN_SPEAK:
        subprocess.run([sys.executable, ROOT / "deploy" / "jobs" / "speak.py", folder, "--each", str(UTTERANCES)], check=True, timeout=120)
    for path in JOBS:
        if path.stem not in LACKING:
            (folder / f"{path.stem}.job").write_text(yaml.safe_dump(small(yaml.safe_load(path.read_text()))))
    alone = subprocess.run([sys.executable, str(SCRIPT), "alone"], cwd=folder, capture_output=True, text=True, timeout=600)
    assert alone.returncode == 0, alone.stdout[-1000:] + alone.stderr
    three = mpirun_in(folder, 3, SCRIPT, "three", timeout_s=600)
    assert three.returncode == 0, three.stdout[-1000:] + three.stderr
    return folder


def record(folder):
    """(digest, the curve bit by bit) of a run."""
    reports = list(journal.read(folder / "journal"))
    curve = [(step, column.series, column.values[i].hex()) for report in reports for column in report.points.columns
             for i, step in enumerate(report.points.steps)]
    return reports[-1].ended.digest, sorted(curve)


@each_job
def test_a_job_gives_the_same_bits_on_one_rank_and_on_three(trained, path):
    one, three = (record(trained / ranks / path.stem) for ranks in ("alone", "three"))
    assert one == three and one[0]


@each_job
def test_a_job_learns(trained, path):
    losses = [float.fromhex(value) for _, series, value in record(trained / "alone" / path.stem)[1] if series == "loss"]
    assert len(losses) > 3 and min(losses[1:]) < losses[0]


@each_job
def test_a_job_file_says_what_it_is_and_evaluates_what_it_learns(path):
    spec, problems = jobfile.read(path)
    assert path.read_text().startswith("# ") and not problems
    assert (spec.data.HasField("eval") or spec.data.HasField("environment") or spec.folds) and spec.ranks == 2
    assert {metric for head in specs.parse_maths(spec).heads for metric in head.metrics}


def test_jobs_differ(trained):
    """So that equal digests say something."""
    digests = [record(folder)[0] for folder in (trained / "alone").iterdir()]
    assert len(set(digests)) == len(digests) >= len(JOBS) - len(NEEDS)
