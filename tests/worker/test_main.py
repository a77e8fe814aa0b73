"""`python -m worker` in one process: exit status, words, files, threads."""

import os
import re
import subprocess
import sys

import pytest

from bpcore.losses import LOSSES
from bptrain.v1.report_pb2 import AttemptEnded
from worker.jobs import jobfile
from worker.record import journal, rundir

THREADS = """
import sys
from worker.__main__ import main
status = main()
from threadpoolctl import threadpool_info
print("blas threads", *[pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"])
sys.exit(status)
"""


def test_a_run_says_what_it_did_and_leaves_its_folder(worker, tiny_file, tmp_path):
    done = worker(tiny_file())
    assert (done.returncode, done.stderr) == (0, "")
    first, *_, last, digest = done.stdout.splitlines()
    assert first == "run runs/tiny  1 rank(s)  4 shard(s)  67 parameters  10 steps  seed 3"  # 4·8 + 8 + 8·3 + 3
    assert last == "completed at step 10"
    assert re.fullmatch("parameters sha256:[0-9a-f]{64}", digest)
    assert sorted(path.name for path in (tmp_path / "runs" / "tiny").iterdir()) == ["checkpoints", "identity", "job.json", "journal"]


def test_another_run_gets_another_folder_and_the_same_bits(worker, tiny_file, tmp_path):
    job = tiny_file()
    one, other = worker(job), worker(job)
    assert one.stdout.splitlines()[-1] == other.stdout.splitlines()[-1]
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["tiny", "tiny-2"]


def test_a_run_can_be_made_from_the_folder_of_another(worker, tiny_file):
    first, again = worker(tiny_file()), worker("runs/tiny", "--run-dir", "again")
    assert (again.returncode, again.stderr) == (0, "")
    assert again.stdout.splitlines()[-1] == first.stdout.splitlines()[-1]


def test_data_is_read_from_the_data_root(worker, tiny_file, tmp_path):
    job = tiny_file()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "train.npz").rename(tmp_path / "elsewhere" / "train.npz")
    (tmp_path / "test.npz").rename(tmp_path / "elsewhere" / "test.npz")
    assert worker(job).returncode == 2
    assert worker(job, "--data-root", "elsewhere").returncode == 0


def test_every_problem_of_a_bad_job_is_on_standard_error(worker, tiny_file, tmp_path):
    done = worker(tiny_file(epochs=-1, loss="mse_", data={"train": {"npz": {"path": "../x"}}}))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == ("bptrain: 3 problems\n"
                           "  epochs: expected an integer from 0 to 4294967295, got -1\n"
                           f'  loss: unknown loss "mse_"; did you mean mse? known: {", ".join(LOSSES.types)}\n'
                           '  data.train.npz.path: expected a path inside the data root, got "../x"\n')
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(("text", "said"), [
    (None, "bptrain: tiny.yaml: expected a readable job file: No such file or directory\n"),
    ("name: [", "bptrain: tiny.yaml: expected YAML or JSON, but in line 1 expected the node content, but found '<stream end>'\n"),
])
def test_a_file_that_is_no_job(worker, tmp_path, text, said):
    if text:
        (tmp_path / "tiny.yaml").write_text(text)
    done = worker("tiny.yaml")
    assert (done.returncode, done.stderr) == (2, said)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(("options", "said"), [
    (["--resume"], 'nothing to resume: there is no run of "tiny" in runs/; start one without --resume'),
    (["--resume", "--run-dir", "none"], "nothing to resume: none is not the folder of a run"),
], ids=str)
def test_resuming_nothing_makes_nothing(worker, tiny_file, tmp_path, options, said):
    done = worker(tiny_file(), *options)
    assert (done.returncode, done.stderr) == (3, f"bptrain: {said}\n")
    assert not (tmp_path / "runs").exists() and not (tmp_path / "none").exists()


def test_a_folder_that_holds_a_run_is_not_written_over(worker, tiny_file, tmp_path):
    job = tiny_file()
    worker(job, "--run-dir", "run")
    before = (tmp_path / "run" / "journal").read_bytes()
    done = worker(job, "--run-dir", "run")
    assert (done.returncode, done.stderr) == (
        3, "bptrain: run holds a run already; add --resume to go on with it, or choose another folder\n")
    assert (tmp_path / "run" / "journal").read_bytes() == before


def test_a_folder_in_use_is_refused(worker, tiny_file, tmp_path):
    job = tiny_file()
    folder = rundir.RunDir(tmp_path / "run")
    folder.prepare(jobfile.read(job)[0], resume=False)
    folder.lock()
    try:
        done = worker(job, "--run-dir", "run")
    finally:
        os.close(folder._lock)
    assert (done.returncode, done.stderr) == (3, "bptrain: the run folder run is in use by another run\n")


@pytest.mark.parametrize("options", [["--run-dir", "tiny.yaml"], ["--run-dir", "/dev/null/run"], ["--coordinator", "127.0.0.1:1"]], ids=str)
def test_a_folder_that_cannot_be_had_is_said_in_a_sentence(worker, tiny_file, options):
    done = worker(tiny_file(), *options)
    assert done.returncode == 3 and done.stderr.startswith("bptrain: ")


def test_a_resume_that_is_refused_leaves_the_running_jobs_spec(worker, tiny_file, tmp_path):
    worker(tiny_file(), "--run-dir", "run")
    folder = rundir.RunDir(tmp_path / "run")
    before = folder.job.read_bytes()
    folder.lock()
    try:
        assert worker(tiny_file(epochs=9), "--run-dir", "run", "--resume").returncode == 3
    finally:
        os.close(folder._lock)
    assert folder.job.read_bytes() == before


def test_a_loss_that_is_not_finite_ends_the_training_in_a_sentence(worker, tiny_file, tmp_path):
    """Steps of 1e30 leave float32 within a few."""
    model = {"input": [4], "layers": [{"linear": {"units": 1}}]}
    done = worker(tiny_file(model=model, loss="mse", metrics=[], optimizer={"sgd": {"learning_rate": 1e30}}), "--run-dir", "run")
    *_, last = journal.read(tmp_path / "run" / "journal")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert last.ended.outcome == AttemptEnded.OUTCOME_FAILED
    assert re.fullmatch(rf"the loss is (inf|nan) in step {last.ended.step}: .+; "
                        "lower the learning rate, or look at the data of this step", last.ended.cause)
    assert last.ended.cause in done.stdout + done.stderr


@pytest.mark.parametrize("threads", [None, 2])
def test_each_process_has_the_blas_threads_of_its_job(script, tiny_file, tmp_path, threads):
    """One unless the job says otherwise, whatever stands in the environment."""
    command = [sys.executable, script(THREADS), tiny_file(threads_per_rank=threads, epochs=1)]
    done = subprocess.run(command, cwd=tmp_path, env=os.environ | {"OPENBLAS_NUM_THREADS": "2"}, capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[-1] == f"blas threads {min(threads or 1, os.cpu_count() or 1)}", done.stderr
