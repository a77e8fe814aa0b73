"""From node memory and from disk, levels 2 and 3 of recovery: stopped, killed or damaged, a run goes on with the same bits."""

import signal
import subprocess
import sys

import pytest

from bptrain.v1.report_pb2 import AttemptEnded, AttemptStarted
from worker.record import journal


@pytest.fixture
def begun(tmp_path, until):
    """`begun(job)`: a process that trains it in the folder `run` and has written a checkpoint."""
    started = []

    def start(job):
        command = [sys.executable, "-m", "worker", str(job), "--run-dir", "run"]
        started.append(subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        until(lambda: [report for report in reports(tmp_path / "run") if report.HasField("checkpoint")])
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def reports(folder):
    return list(journal.read(folder / "journal"))


def curve(folder):
    """(step, series) → bits; of steps computed twice, the second time. And whether both times were equal."""
    points, same = {}, True
    for report in reports(folder):
        for column in report.points.columns:
            for step, value in zip(report.points.steps, column.values):
                same &= points.setdefault((step, column.series), value.hex()) == value.hex()
                points[step, column.series] = value.hex()
    return points, same


def digest(done):
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


def test_a_run_stopped_by_ctrl_c_goes_on_with_the_same_bits(begun, worker, tiny_file, tmp_path):
    job = tiny_file(epochs=300, checkpoint={"every_steps": 40})
    process = begun(job)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    stopped = reports(tmp_path / "run")[-1].ended
    assert (process.returncode, errors, stopped.outcome) == (0, "", AttemptEnded.OUTCOME_STOPPED)
    assert f"stopped by SIGINT at step {stopped.step}\n" in output and 0 < stopped.step < 1500
    resumed, undisturbed = worker(job, "--run-dir", "run", "--resume"), worker(job, "--run-dir", "whole")
    assert f"resuming run at step {stopped.step} from disk\n" in resumed.stdout
    assert digest(resumed) == digest(undisturbed)
    assert curve(tmp_path / "run") == curve(tmp_path / "whole")


def test_a_killed_run_goes_on_at_its_last_checkpoint_with_the_same_bits(begun, worker, tiny_file, tmp_path):
    job = tiny_file(epochs=300, checkpoint={"every_steps": 40}, shared_memory=False)
    begun(job).kill()
    resumed, undisturbed = worker(job, "--run-dir", "run", "--resume"), worker(job, "--run-dir", "whole")
    assert digest(resumed) == digest(undisturbed)
    assert curve(tmp_path / "run") == curve(tmp_path / "whole")
    started = [report for report in reports(tmp_path / "run") if report.HasField("started")]
    assert [report.attempt for report in started] == [1, 2]
    assert started[1].started.first_step % 40 == 0 and started[1].started.first_step > 0
    assert f"resuming run at step {started[1].started.first_step} from disk\n" in resumed.stdout


def test_a_killed_run_goes_on_at_its_last_step_while_its_memory_is_kept(begun, worker, tiny_file, tmp_path):
    """No committed step is lost, and none is computed twice."""
    job = tiny_file(epochs=300, checkpoint={"every_steps": 40}, recovery={"keep_s": 30})
    begun(job).kill()
    resumed, undisturbed = worker(job, "--run-dir", "run", "--resume"), worker(job, "--run-dir", "whole")
    assert digest(resumed) == digest(undisturbed)
    assert curve(tmp_path / "run") == curve(tmp_path / "whole")
    last = [report for report in reports(tmp_path / "run") if report.HasField("started")][1].started
    assert last.source == AttemptStarted.SOURCE_MEMORY
    assert f"resuming run at step {last.first_step} from node memory\n" in resumed.stdout
    steps = [step for report in reports(tmp_path / "run") for step in report.points.steps if report.points.columns[0].series == "loss"]
    assert steps == list(range(1500))


@pytest.mark.slow
def test_a_newer_checkpoint_is_taken_before_older_memory(begun, worker, tiny_file, tmp_path):
    """The run went on elsewhere meanwhile, without this host's memory."""
    job = tiny_file(epochs=300, checkpoint={"every_steps": 40}, recovery={"keep_s": 30})
    begun(job).kill()
    elsewhere = worker(tiny_file(epochs=300, checkpoint={"every_steps": 40}, shared_memory=False, recovery={"keep_s": 30}),
                       "--run-dir", "run", "--resume")
    again = worker(job, "--run-dir", "run", "--resume")
    assert "resuming run at step 1500 from disk\n" in again.stdout
    assert digest(again) == digest(elsewhere)


def test_sequence_numbers_have_no_hole_across_attempts(begun, worker, tiny_file, tmp_path):
    job = tiny_file(epochs=300, checkpoint={"every_steps": 40})
    begun(job).kill()
    worker(job, "--run-dir", "run", "--resume")
    numbers = [report.sequence for report in reports(tmp_path / "run")]
    assert numbers == list(range(1, len(numbers) + 1))


def test_a_damaged_checkpoint_is_named_and_the_one_before_gives_the_same_bits(worker, tiny_file, tmp_path):
    job = tiny_file(checkpoint={"every_steps": 4, "keep": 3})
    whole = worker(job, "--run-dir", "run")
    (tmp_path / "run" / "checkpoints" / "step-00000010" / "parameters.safetensors").write_bytes(b"damaged")
    resumed = worker("run", "--resume")
    assert digest(resumed) == digest(whole)
    assert resumed.stdout.startswith("step-00000010 is damaged and was skipped: parameters.safetensors does not match its SHA-256\n"
                                     "resuming run at step 8 from disk\n")


def test_more_epochs_go_on_where_the_training_ended(worker, tiny_file):
    worker(tiny_file(epochs=1), "--run-dir", "run")
    longer = tiny_file(epochs=3)
    resumed = worker(longer, "--run-dir", "run", "--resume")
    assert "resuming run at step 5 from disk\n" in resumed.stdout
    assert digest(resumed) == digest(worker(longer, "--run-dir", "whole"))


def test_a_finished_run_has_nothing_left_to_do(worker, tiny_file, tmp_path):
    first = worker(tiny_file(), "--run-dir", "run")
    again = worker("run", "--resume")
    assert digest(again) == digest(first)
    assert [report.ended.step for report in reports(tmp_path / "run") if report.HasField("ended")] == [10, 10]


@pytest.mark.parametrize(("change", "field"), [({"seed": 4}, "seed"), ({"optimizer": "sgd"}, "optimizer"), ({"logical_shards": 2}, "logical_shards")])
def test_a_job_with_other_bits_is_refused_with_the_field_named(worker, tiny_file, tmp_path, change, field):
    worker(tiny_file(), "--run-dir", "run")
    done = worker(tiny_file(**change), "--run-dir", "run", "--resume")
    assert (done.returncode, done.stderr) == (3, f"bptrain: cannot resume: the job differs from the run's in {field}; "
                                                "to go on with it as it began, give the run's folder in place of the job file\n")
    assert reports(tmp_path / "run")[-1].ended.outcome == AttemptEnded.OUTCOME_COMPLETED  # nothing was added
