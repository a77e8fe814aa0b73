"""bptrain run of a job with folds: a training each, and one report of them all."""

import json
import statistics
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from worker.record import journal

BPTRAIN = Path(sys.executable).with_name("bptrain")
JOB = {"name": "folds", "data": {"train": {"sklearn": {"name": "iris", "split": "all"}}}, "folds": 3, "batch_size": 25, "epochs": 3,
       "model": {"input": [4], "layers": [{"linear": {"units": 3}}]}, "loss": "softmax_cross_entropy", "metrics": ["accuracy"],
       "optimizer": {"adam": {"learning_rate": 0.05}}, "ranks": 1, "recovery": {"keep_s": 1}}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """`run(*more)`: the command in its folder, again and again; `run.folder`."""
    folder = tmp_path_factory.mktemp("folds")
    (folder / "job.yaml").write_text(yaml.safe_dump(JOB))

    def again(*more):
        command = [BPTRAIN, "run", "job.yaml", "--run-dir", "out", *more]
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)

    again.folder = folder / "out"
    again.first = again()
    assert again.first.returncode == 0, again.first.stdout + again.first.stderr
    return again


def last(folder, series):
    return [value for report in journal.read(folder / "journal") for column in report.points.columns if column.series == series
            for value in column.values][-1]


@pytest.mark.slow
def test_the_report_is_of_each_folds_last_evaluation(run):
    found = json.loads((run.folder / "folds.json").read_text())["eval_accuracy"]
    assert found["folds"] == [last(run.folder / f"fold-{fold}", "eval_accuracy") for fold in (1, 2, 3)]
    assert (found["mean"], found["deviation"]) == (statistics.fmean(found["folds"]), statistics.stdev(found["folds"]))
    shown = next(line for line in run.first.stdout.splitlines() if line.startswith("eval_accuracy"))
    assert shown.split()[1:4] == [f"{found['mean']:.4g}", "±", f"{found['deviation']:.2g}"]


def test_each_fold_is_a_run_of_its_own_with_its_own_curve(run):
    digests = {[report.ended.digest for report in journal.read(run.folder / f"fold-{fold}" / "journal")][-1] for fold in (1, 2, 3)}
    assert len(digests) == 3
    assert all(json.loads((run.folder / f"fold-{fold}" / "job.json").read_text())["fold"] == fold for fold in (1, 2, 3))


def test_what_is_done_is_not_done_again_when_the_rest_is(run):
    for file in ("fold-3/journal", "fold-3/job.json"):
        (run.folder / file).unlink()
    before, report = (run.folder / "fold-1" / "journal").read_bytes(), (run.folder / "folds.json").read_bytes()
    done = run("--resume")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (run.folder / "fold-1" / "journal").read_bytes() == before
    assert (run.folder / "folds.json").read_bytes() == report  # the same bits of the third
