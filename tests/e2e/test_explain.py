"""bptrain explain: integrated gradients of a trained model add up to what it says."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

BPTRAIN = Path(sys.executable).with_name("bptrain")
JOBS = Path(__file__).parent.parent.parent / "deploy" / "jobs"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """With a run of the digits, and one of numbers in words."""
    folder = tmp_path_factory.mktemp("explain")
    words = (JOBS / "translation.yaml").read_text().replace("40000", "40").replace("1000", "10")
    (folder / "words.yaml").write_text(words.replace("batch_size: 128", "batch_size: 40"))
    (folder / "digits.yaml").write_text((JOBS / "digits.yaml").read_text().replace("epochs: 30", "epochs: 3"))
    for name in ("digits", "words"):
        subprocess.run([sys.executable, "-m", "worker", f"{name}.yaml", "--run-dir", name], cwd=folder, check=True, capture_output=True, timeout=120)
    return folder


@pytest.fixture
def explain(folder):
    return lambda *more: subprocess.run([BPTRAIN, "explain", *map(str, more)], cwd=folder, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("sample", [0, 17, 200])
def test_a_picture_is_shown_and_contributions_add_up_within_a_percent(explain, sample):
    done = explain("digits", "--sample", sample)
    *picture, words = done.stdout.splitlines()
    assert (done.returncode, len(picture)) == (0, 8) and all("|" in line for line in picture)
    assert any("#" in line.partition("|")[2] for line in picture)
    score, total, error = map(float, re.fullmatch(rf"sample {sample}: output \d is (\S+); contributions add up to (\S+), off by (\S+)%", words).groups())
    assert error <= 1 and score > 0 and total > 0


def test_another_output_has_other_contributions(explain):
    assert explain("digits", "--output", 1).stdout != explain("digits", "--output", 2).stdout


@pytest.mark.parametrize(("more", "text"), [
    (("digits", "--sample", 359), "bptrain: sample: expected a number below 359, the number of samples, got 359\n"),
    (("digits", "--output", 10), "bptrain: output: expected an output below 10, got 10\n"),
    (("words",), "bptrain: model.inputs: expected numbers as the first input, got integers; what they contribute is not defined\n"),
])
def test_what_cannot_be_explained_is_refused(explain, more, text):
    done = explain(*more)
    assert (done.returncode, done.stderr) == (2, text)
