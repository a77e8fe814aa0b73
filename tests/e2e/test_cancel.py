"""Stopping a job: soon, with a whole checkpoint, from which the same bits come as without a stop."""

import hashlib
import json
import re
import time
from contextlib import suppress
from pathlib import Path

import pytest

from coordinator.errors import Refusal
from coordinator.jobs import states

EPOCHS = 600  # 4,800 steps of the slow job


def digest(text):
    return re.search(r"parameters sha256:([0-9a-f]{64})", text)[1]


@pytest.fixture(scope="module")
def cancelled(standing):
    """(a job that ran and was cancelled, seconds from when that was asked to the end, what `bptrain cancel` printed)."""
    job = standing.running(epochs=EPOCHS)
    done = standing.bptrain("cancel", job.id)
    job = standing.client.get(job.id)
    asked, ended = job.transitions[-2:]
    return job, ended.time - asked.time, done


def test_cancel_ends_a_running_job_in_less_than_two_seconds(cancelled):
    job, passed_s, done = cancelled
    assert (done.returncode, done.stderr, states.label(job.state)) == (0, "", "CANCELLED")
    assert passed_s < 2


def test_cancel_says_where_the_job_stands_and_how_to_go_on(cancelled):
    job, _, done = cancelled
    assert 0 < job.progress.step < 8 * EPOCHS
    assert done.stdout.splitlines() == [f"CANCELLED at step {job.progress.step}: cancelled by a user",
                                        f"go on with: bptrain retry {job.id}"]


def test_the_last_checkpoint_is_whole(cancelled):
    job, _, _ = cancelled
    checkpoint = Path(job.run_dir, "checkpoints", f"step-{job.progress.step:08d}")
    manifest = json.loads((checkpoint / "manifest.json").read_text())
    assert (manifest["step"], manifest["digest"]) == (job.progress.step, job.digest)
    for name, expected in manifest["sha256"].items():
        assert hashlib.sha256((checkpoint / name).read_bytes()).hexdigest() == expected
    assert {path.name for path in checkpoint.iterdir()} == {"manifest.json", *manifest["sha256"]}


def test_nothing_of_a_cancelled_job_runs_on(standing, cancelled, processes, wait_until):
    wait_until(lambda: not processes(cancelled[0].run_dir))


@pytest.mark.slow
def test_a_cancelled_job_that_is_resumed_has_the_digest_of_an_undisturbed_run(standing, cancelled, wait_until, processes):
    job, _, _ = cancelled
    wait_until(lambda: not processes(job.run_dir))
    resumed = standing.bptrain("run", job.run_dir, "--resume")
    undisturbed = standing.worker(Path(job.run_dir, "job.json"), "--run-dir", "undisturbed")
    assert (resumed.returncode, undisturbed.returncode) == (0, 0), resumed.stderr + undisturbed.stderr
    assert digest(resumed.stdout) == digest(undisturbed.stdout) != job.digest


def test_a_job_cannot_be_cancelled_twice(standing, cancelled):
    job, _, _ = cancelled
    again = standing.bptrain("cancel", job.id)
    assert (again.returncode, again.stderr) == (1, f"bptrain: job {job.id} is CANCELLED: it cannot be cancelled\n")


@pytest.mark.slow
def test_a_second_job_waits_for_slots_and_starts_when_they_are_free(standing):
    busy, waiting = standing.running(), standing.submit()
    shown = standing.bptrain("show", waiting.id).stdout.splitlines()
    assert shown[1] == "state       QUEUED: submitted"
    assert re.fullmatch(r"queue       place 1: 0 of 2 slot\(s\) are free; it needs 2(; it starts at about .+)?", shown[2])
    standing.client.cancel(busy.id)
    ended = standing.wait(waiting, "SUCCEEDED", "FAILED")
    assert [change.cause for change in ended.transitions] == [
        "submitted", "2 of 2 slots are free", ended.transitions[2].cause, "completed"]
    assert ended.transitions[1].time >= standing.client.get(busy.id).transitions[-1].time


def test_a_waiting_job_is_cancelled_at_once(standing):
    busy, waiting = standing.running(), standing.submit()
    done = standing.bptrain("cancel", waiting.id)
    assert (done.returncode, done.stdout) == (0, "CANCELLED at step 0: cancelled by a user\n")
    assert not Path(waiting.run_dir).exists()
    standing.bptrain("cancel", "--no-wait", busy.id)
    assert states.label(standing.wait(busy, "CANCELLED").state) == "CANCELLED"


@pytest.mark.parametrize("after_s", [0, 0.1, 0.2, 0.3])
def test_a_job_that_is_just_being_started_stops_without_force(standing, wait_until, processes, after_s):
    """Wherever it stands: mpirun starting, ranks importing, ranks meeting."""
    job = standing.submit()
    wait_until(lambda: len(standing.ranks(job.run_dir)[1]) == 2)
    time.sleep(after_s)
    with suppress(Refusal):  # it has succeeded by now
        standing.client.cancel(job.id)
    wait_until(lambda: not processes(job.run_dir))
    assert "did not stop" not in standing.log.read_text()


def test_so_does_one_of_which_a_rank_has_died_before_all_had_met(standing, wait_until, processes):
    """As by a SIGTERM that comes before the rank listens: the other waits for it in MPI."""
    job = standing.submit()
    wait_until(lambda: len(standing.ranks(job.run_dir)[1]) == 2)
    standing.ranks(job.run_dir)[1][0].kill()
    with suppress(Refusal):  # it has been started again, and has succeeded
        standing.client.cancel(job.id)
    standing.client.wait(job.id)
    assert not processes(job.run_dir)
    assert "did not stop" not in standing.log.read_text()
