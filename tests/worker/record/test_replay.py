"""Any kept step can be computed again in one process: what comes out is what was recorded, bit for bit, or it says not."""

import re
import shutil
import subprocess
import sys

import pytest

from bpcore.errors import InvalidInput
from worker.errors import Unavailable
from worker.record import journal
from worker.record.journal import Journal
from worker.record.replay import replay
from worker.record.rundir import RunDir


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder to copy a run from."""
    return tmp_path_factory.mktemp("trained")


@pytest.fixture
def run(mpirun, tiny_file, tmp_path, trained):
    """A run of fifteen steps on three ranks; checkpoints of 4, 8, 12 and 15 steps. Its learning rate drops from step 10 on,
    since the held-out loss has not halved."""
    job = tiny_file(epochs=3, checkpoint={"every_steps": 4, "keep": 9}, schedule={"plateau": {"patience": 0, "threshold": 0.5}})
    if not (trained / "run").exists():
        done = mpirun(3, "-m", "worker", job, "--run-dir", trained / "run")
        assert done.returncode == 0, done.stderr
    return RunDir(shutil.copytree(trained / "run", tmp_path / "run"))


@pytest.fixture
def command(tmp_path):
    """`command("run", "--step", 7)`: `bptrain replay` in the test's folder."""
    started = "from coordinator.cli import main; main()"

    def call(*arguments):
        return subprocess.run([sys.executable, "-c", started, "replay", *map(str, arguments)], cwd=tmp_path, capture_output=True, text=True, timeout=60)

    return call


def test_every_step_behind_a_checkpoint_has_the_bits_of_three_ranks(run, tmp_path):
    for step in range(4, 15):
        found = replay(run, step, tmp_path)
        assert found.is_same and found.values.keys() == {"loss", "accuracy"}
        assert found.first == step - step % 4
        assert list(found.digests) == {7: ["the checkpoint of step 8"], 11: ["the checkpoint of step 12"],
                                       14: ["the checkpoint of step 15", "the end record"]}.get(step, [])


def test_from_the_start_any_step_can_be_computed_again(run, tmp_path):
    assert replay(run, 3, tmp_path, from_start=True).is_same
    found = replay(run, 14, tmp_path, from_start=True)
    assert found.is_same and found.first == 0 and len(found.digests) == 2


def test_a_resumed_run_with_more_epochs_has_its_steps_too(run, worker, tiny_file, tmp_path):
    """A cosine over the whole job: step 5 was computed when that was ten steps, step 12 when it was fifteen."""
    shutil.rmtree(run.path)
    rule = {"checkpoint": {"every_steps": 4, "keep": 9}, "schedule": "cosine"}
    for epochs, more in ((2, []), (3, ["--resume"])):
        assert worker(tiny_file(epochs=epochs, **rule), "--run-dir", "run", *more).returncode == 0
    for step in (5, 9, 12):
        assert replay(run, step, tmp_path).is_same


def test_the_command_prints_both_and_says_that_they_are_the_same(run, command):
    done = command("run", "--step", 7)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "step 7 computed again, from step 4 on" and lines[-1] == "same bits"
    assert re.fullmatch(r"loss +\d\.\d+ +the same", lines[1]) and lines[-2] == "the checkpoint of step 8: the same"


def test_a_record_that_differs_in_the_last_bit_is_found(run, command):
    reports = list(journal.read(run.journal))
    run.journal.unlink()
    writer = Journal(run.journal)
    for report in reports:
        for column in report.points.columns:
            if column.series == "loss":
                for row, step in enumerate(report.points.steps):
                    column.values[row] *= 1 + 2**-52 if step == 7 else 1
        writer.append(report)
    writer.close()
    done = command("run", "--step", 7)
    assert done.returncode == 1 and done.stdout.splitlines()[-1] == "different bits"
    assert re.search(r"loss +\d\.\d+ +recorded: \d\.\d+", done.stdout)
    assert command("run", "--step", 6).returncode == 0


def test_a_learning_rate_that_was_changed_since_is_found(run, command):
    run.job.write_text(run.job.read_text().replace('"learning_rate": 0.01', '"learning_rate": 0.02'))
    done = command("run", "--step", 9, "--from-start")
    assert done.returncode == 1 and done.stdout.endswith("different bits\n")


def test_what_cannot_be_computed_again_is_refused(run, tmp_path):
    with pytest.raises(InvalidInput, match="step: expected a step from 0 to 14, the run's last one, got 15"):
        replay(run, 15, tmp_path)
    with pytest.raises(Unavailable, match=r"^no whole checkpoint at or before step 2 is kept \(there are: step-00000004, step-00000008, "
                                          r"step-00000012, step-00000015\); add --from-start to compute all steps from the first one on$"):
        replay(run, 2, tmp_path)
    with pytest.raises(Unavailable, match="other is not the folder of a run$"):
        replay(RunDir(tmp_path / "other"), 2, tmp_path)


def test_refusals_have_the_exit_status_of_every_command(run, command, tmp_path):
    (tmp_path / "empty").mkdir()
    assert [(command(*arguments).returncode) for arguments in (("run", "--step", 15), ("run", "--step", 2), ("empty", "--step", 2), ("nowhere", "--step", 2))
            ] == [2, 3, 3, 2]
