"""`bptrain run`: the same job with no service."""

import re
import signal
import sys
from pathlib import Path

import pytest

from bptrain.v1.report_pb2 import AttemptEnded
from worker.record import journal
from worker.record.rundir import RunDir


def digest(text):
    return re.search(r"^parameters sha256:([0-9a-f]{64})$", text, re.MULTILINE)[1]


def reports(folder):
    return list(journal.read(RunDir(folder).journal))


@pytest.fixture(scope="module")
def finished(standing):
    """(folder of a run that has ended, what `bptrain run` printed)."""
    return standing.folder / "runs" / "small", standing.bptrain("run", standing.job())


def test_a_run_succeeds_in_a_folder_of_the_jobs_name(finished):
    folder, done = finished
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("small in runs/small\n")
    assert reports(folder)[-1].ended.outcome == AttemptEnded.OUTCOME_COMPLETED


def test_a_run_tells_its_epochs_and_its_end(finished):
    _, done = finished
    *told, end, parameters = done.stdout.splitlines()
    first, second = [line for line in told if "eval_loss" in line]  # a slow machine tells more
    assert re.match(r"step 8/16  epoch 1  eval_loss [\d.]+  eval_accuracy [\d.]+", first) and second.startswith("step 16/16  epoch 2  eval_loss")
    assert end == "completed at step 16" and parameters == f"parameters sha256:{digest(done.stdout)}"


def test_a_run_on_two_ranks_has_the_bits_of_a_worker_without_mpirun(standing, finished):
    alone = standing.worker(standing.job())
    assert alone.returncode == 0, alone.stderr
    assert digest(alone.stdout) == digest(finished[1].stdout)


def test_the_number_of_ranks_can_be_chosen_and_changes_no_bit(standing, finished):
    done = standing.bptrain("run", standing.job(), "--ranks", "3", "--run-dir", "three")
    assert digest(done.stdout) == digest(finished[1].stdout)
    assert len(reports(standing.folder / "three")[0].started.ranks) == 3


def test_another_run_of_the_same_job_gets_a_folder_of_its_own(standing, finished):
    done = standing.bptrain("run", standing.job())
    assert (done.returncode, re.match(r"small in (runs/small-\d+)\n", done.stdout) is not None) == (0, True)


def test_a_folder_that_holds_a_run_is_not_overwritten(standing, finished):
    folder, _ = finished
    before = reports(folder)
    done = standing.bptrain("run", standing.job(), "--run-dir", "runs/small")
    sentence = "runs/small holds a run already; add --resume to go on with it, or choose another folder"
    assert (done.returncode, done.stdout, done.stderr) == (3, "", f"bptrain: {sentence}\n")
    assert reports(folder) == before


@pytest.mark.parametrize(("arguments", "sentence"), [
    (["--run-dir", "nowhere"], "nothing to resume: nowhere is not the folder of a run"),
    ([], 'nothing to resume: there is no run of "unknown" in runs/; start one without --resume')])
def test_what_is_not_there_cannot_be_resumed_and_is_not_made(standing, arguments, sentence):
    done = standing.bptrain("run", standing.job(name="unknown"), "--resume", *arguments)
    assert (done.returncode, done.stdout, done.stderr) == (3, "", f"bptrain: {sentence}\n")
    assert not (standing.folder / "nowhere").exists() and not list(standing.folder.glob("runs/unknown*"))


@pytest.mark.slow
def test_a_longer_job_goes_on_where_a_shorter_one_ended(standing):
    """More epochs are the same job: its digest is that of one long run."""
    standing.bptrain("run", standing.job(epochs=1), "--run-dir", "grown")
    done = standing.bptrain("run", standing.job(epochs=2), "--run-dir", "grown", "--resume")
    assert digest(done.stdout) == digest(standing.worker(standing.job(epochs=2), "--run-dir", "long").stdout)
    assert [report.started.first_step for report in reports(standing.folder / "grown") if report.HasField("started")] == [0, 8]


@pytest.fixture
def begun(workplace, wait_until):
    """A run without an end that has done some steps, in the folder `long`."""
    job, bptrain = workplace.job(epochs=1_000_000), Path(sys.executable).with_name("bptrain")
    with workplace.popen(bptrain, "run", job, "--run-dir", "long") as process:
        wait_until(lambda: any(report.HasField("points") for report in reports(workplace.folder / "long")))
        yield process
        process.kill()


def test_ctrl_c_stops_with_a_checkpoint_and_says_how_to_go_on(workplace, begun, processes):
    begun.send_signal(signal.SIGINT)
    output, error = begun.communicate(timeout=60)
    step = reports(workplace.folder / "long")[-1].ended.step
    assert (begun.returncode, error) == (130, "")
    assert f"stopped by SIGTERM at step {step}\n" in output and output.endswith("\ngo on with: bptrain run long --resume\n")
    assert (workplace.folder / "long" / "checkpoints" / f"step-{step:08d}").is_dir()
    assert processes(workplace.folder / "long") == []


@pytest.mark.parametrize("file", ["job.json", "log"])
def test_ctrl_c_while_the_ranks_are_started_ends_the_run_without_a_second_one(workplace, wait_until, processes, file):
    """Whatever has begun by then. The folder's name has to be quoted on a command line."""
    folder, bptrain = workplace.folder / "my run", Path(sys.executable).with_name("bptrain")
    with workplace.popen(bptrain, "run", workplace.job(epochs=1_000_000), "--run-dir", folder.name) as process:
        wait_until((folder / file).exists)
        process.send_signal(signal.SIGINT)
        try:
            output, error = process.communicate(timeout=60)
        finally:
            process.kill()
    assert (process.returncode, error.strip()) == (130, "") and processes(folder) == []
    assert output.endswith(" with: bptrain run 'my run' --resume\n") or file == "job.json"


@pytest.mark.slow
def test_a_killed_mpirun_is_started_again_and_the_run_goes_on(workplace, begun, wait_until):
    folder = workplace.folder / "long"
    mpirun, _ = workplace.ranks(folder)
    workplace.kill(mpirun)
    wait_until(lambda: sum(report.HasField("started") for report in reports(folder)) == 2)
    begun.send_signal(signal.SIGINT)
    output, error = begun.communicate(timeout=60)
    assert (begun.returncode, error) == (130, "")
    assert "the ranks ended with exit status -9" in output


def test_ranks_of_which_one_dies_before_they_have_met_are_started_again(workplace, wait_until):
    bptrain, folder = Path(sys.executable).with_name("bptrain"), workplace.folder / "early"
    with workplace.popen(bptrain, "run", workplace.job(), "--run-dir", folder) as process:
        ranks = wait_until(lambda: found if len(found := workplace.ranks(folder)[1]) == 2 else None)
        workplace.kill(ranks[1])
        try:
            _, error = process.communicate(timeout=60)
        finally:
            process.kill()
    assert (process.returncode, error) == (0, "")
