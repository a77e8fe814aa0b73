"""bptrain check: the gradient of a user's own model; bptrain layers: what a model can be made of."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

BPTRAIN = Path(sys.executable).with_name("bptrain")
JOBS = Path(__file__).parent.parent.parent / "deploy" / "jobs"


def bptrain(*arguments):
    return subprocess.run([BPTRAIN, *map(str, arguments)], capture_output=True, text=True, timeout=60)


def test_every_parameter_of_a_job_is_checked_and_the_worst_one_named():
    done = bptrain("check", JOBS / "tagger.yaml")
    heading, *rows, worst = done.stdout.splitlines()
    assert (done.returncode, done.stderr, len(rows)) == (0, "", 11)
    assert heading.split() == ["parameter", "analytic", "numeric", "relative", "error"]
    errors = {row.split()[0]: row.split()[3] for row in rows}
    name, error = list(errors.items())[-1]
    assert float(error) == max(map(float, errors.values())) and {"embedded.weight", "lstm_1.weight_hh_l0_reverse"} < set(errors)
    assert worst == f"worst: {name}, off by {error}; up to 1e-07 is rounding"


@pytest.fixture
def spiking(tmp_path):
    """A job whose spikes have a surrogate of a gradient: the one gradient here that is wrong on purpose."""
    job = yaml.safe_load((JOBS / "digits.yaml").read_text())
    job["model"]["layers"] = [{"reshape": {"shape": [8, 8]}}, {"linear": {"units": 6}, "name": "before"},
                              {"leaky_integrate_and_fire": {"threshold": 0.1}}, "flatten", {"linear": {"units": 10}, "name": "behind"}]
    path = tmp_path / "spiking.yaml"
    path.write_text(yaml.safe_dump(job))
    return path


def test_a_wrong_gradient_ends_the_command_with_one(spiking):
    done = bptrain("check", spiking, "--samples", "3")
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1].startswith("worst: before.")
    right = [line.split()[0] for line in done.stdout.splitlines()[1:-1] if float(line.split()[3]) <= 1e-7]
    assert sorted(right) == ["behind.bias", "behind.weight"]


def test_a_job_with_mistakes_is_refused_as_everywhere(tmp_path):
    (tmp_path / "job.yaml").write_text("sed: 3\n")
    done = bptrain("check", tmp_path / "job.yaml")
    assert done.returncode == 2
    assert 'sed: unknown key "sed"; did you mean seed?' in done.stderr


def test_layers_lists_what_a_job_file_can_name():
    done = bptrain("layers", "optimizers")
    assert done.returncode == 0 and "adamw" in done.stdout and "conv2d" not in done.stdout
    wrong = bptrain("layers", "optimizer")
    assert wrong.returncode == 2 and "did you mean optimizers?" in wrong.stderr


def test_layers_tells_all_about_one_name():
    told = bptrain("layers", "conv2d").stdout
    assert told.startswith("layer conv2d: two-dimensional cross-correlation, channels-last.\n\ny[i, j, f] = ")
    assert "\n  filters             a positive integer\n" in told and "; he_uniform unless given" in told


def test_layers_tells_of_each_thing_that_has_the_name():
    told = bptrain("layers", "mae").stdout
    assert told.startswith("loss mae: ") and "\n\nmetric mae: " in told
