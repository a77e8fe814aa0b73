"""`python -m worker.bench`: one line of JSON, measured on the steps that a run in service makes."""

import json
import os
import subprocess
import sys

import pytest

PARTS = ["read", "forward", "backward", "exchange", "commit", "update", "report"]


@pytest.fixture
def bench(tmp_path):
    """`bench("tiny.yaml", …)` as a world of one, in the test's folder; its temporary files are there, too."""

    def run(*arguments):
        return subprocess.run([sys.executable, "-m", "worker.bench", *map(str, arguments)], cwd=tmp_path, capture_output=True,
                              text=True, timeout=60, env=os.environ | {"TMPDIR": str(tmp_path)})

    return run


def test_it_prints_one_line_and_leaves_nothing(bench, tiny_file, tmp_path):
    job = tiny_file()
    before = sorted(tmp_path.iterdir())
    done = bench(job, "--seconds", "0.2")
    assert done.returncode == 0, done.stderr
    [line] = done.stdout.splitlines()
    found = json.loads(line)
    assert list(found) == ["workload", "world", "global_batch", "samples_s", "min", "max", "breakdown", "rss_bytes", "pss_bytes"]
    assert (found["workload"], found["world"], found["global_batch"]) == ("tiny", 1, 12)
    assert 0 < found["min"] <= found["samples_s"] <= found["max"]
    assert sorted(tmp_path.iterdir()) == before


def test_the_parts_of_a_step_add_up_to_the_step(bench, tiny_file):
    found = json.loads(bench(tiny_file(batch_size=10), "--seconds", "0.5").stdout)  # 5 equal batches an epoch
    assert sorted(found["breakdown"]) == sorted(PARTS) and min(found["breakdown"].values()) > 0
    assert sum(found["breakdown"].values()) == pytest.approx(10 / found["samples_s"], rel=1.0)  # of other windows


def test_a_process_holds_at_least_its_share_of_memory(bench, tiny_file):
    found = json.loads(bench(tiny_file(), "--seconds", "0.1").stdout)
    assert 10e6 < found["pss_bytes"] <= found["rss_bytes"] < 1e9


def test_ranks_are_measured_together(mpirun, tiny_file):
    done = mpirun(2, "-m", "worker.bench", tiny_file(), "--seconds", "0.2")
    assert done.returncode == 0, done.stderr
    [line] = done.stdout.splitlines()
    assert json.loads(line)["world"] == 2
    assert "parameters sha256:" in done.stderr  # the ranks have compared their bits


def test_a_bad_job_is_refused_as_everywhere(bench, tiny_file):
    done = bench(tiny_file(epochs=-1))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "bptrain: epochs: expected an integer from 0 to 4294967295, got -1\n"


def test_training_that_fails_is_not_measured(bench, tiny_file):
    model = {"input": [4], "layers": [{"linear": {"units": 1}}]}
    done = bench(tiny_file(model=model, loss="mse", metrics=[], optimizer={"sgd": {"learning_rate": 1e30}}), "--seconds", "0.2")
    assert (done.returncode, done.stdout) == (1, "")
    assert "the loss is" in done.stderr and "Traceback" not in done.stderr
