"""The life of ranks under mpirun: they agree, fail alike, and say things once."""

import os
import signal

import pytest

from bpcore.optimizers import OPTIMIZERS
from bptrain.v1.report_pb2 import AttemptEnded
from worker.record import journal

ENDLESS = 1_000_000  # epochs

# Rank r reads its data from the folder named r.
OWN_DATA = """
import os, sys
from worker.__main__ import main
sys.argv[1:] = ["tiny.yaml", "--data-root", os.environ["OMPI_COMM_WORLD_RANK"]]
sys.exit(main())
"""
THREADS = """
import sys
from worker.__main__ import main
status = main()
from threadpoolctl import threadpool_info
print("blas threads", *[pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"])
sys.exit(status)
"""


def reports(folder):
    return list(journal.read(folder / "journal"))


def test_the_first_report_says_who_trains_what(mpirun, tiny_file, tmp_path):
    done = mpirun(3, "-m", "worker", tiny_file(), "--run-dir", "run")
    assert done.returncode == 0, done.stderr
    first = reports(tmp_path / "run")[0]
    started = first.started
    assert (first.sequence, first.attempt) == (1, 1)
    assert (started.first_step, started.total_steps, started.steps_per_epoch, started.batch_size) == (0, 10, 5, 12)
    assert (started.parameters, started.seed, started.logical_shards) == (67, 3, 4)
    assert len({rank.pid for rank in started.ranks}) == 3 and {rank.host for rank in started.ranks} == {os.uname().nodename}


def test_only_one_rank_prints(mpirun, tiny_file):
    done = mpirun(3, "-m", "worker", tiny_file())
    lines = [line for line in done.stdout.splitlines() if "  loss " not in line]  # such a one comes where a second has passed
    assert [line.split()[0] for line in lines] == ["run", "step", "step", "completed", "parameters"]
    assert done.stderr == ""


def test_every_problem_of_a_bad_job_is_said_once(mpirun, tiny_file, tmp_path):
    done = mpirun(3, "-m", "worker", tiny_file(epochs=-1, optimizer=None))
    assert done.returncode == 2
    assert done.stderr.startswith("bptrain: 2 problems\n"
                                  "  epochs: expected an integer from 0 to 4294967295, got -1\n"
                                  f'  optimizer: expected one of {", ".join(OPTIMIZERS.types)}, but it is missing\n')
    assert done.stderr.count("epochs:") == 1 and "Traceback" not in done.stderr
    assert not (tmp_path / "runs").exists()


def test_more_ranks_than_shards_are_refused(mpirun, tiny_file):
    """The ranks are mpirun's, whatever the file asks for."""
    done = mpirun(3, "-m", "worker", tiny_file(ranks=1, logical_shards=2))
    assert done.returncode == 2
    assert "ranks: expected at most logical_shards = 2, got 3; more shards than ranks are fine, fewer are not" in done.stderr


def test_resuming_nothing_fails_alike_on_all(mpirun, tiny_file, tmp_path):
    done = mpirun(2, "-m", "worker", tiny_file(), "--resume")
    text = f'bptrain: rank 0 on {os.uname().nodename}: nothing to resume: there is no run of "tiny" in runs/; start one without --resume\n'
    assert (done.returncode, done.stderr) == (3, text)
    assert not (tmp_path / "runs").exists()


def test_a_rank_with_other_data_is_found_and_named(mpirun, script, tiny_file, npz):
    tiny_file(data={"train": {"npz": {"path": "train.npz"}}})
    npz("0/train.npz"), npz("1/train.npz", 49)
    done = mpirun(2, script(OWN_DATA))
    assert (done.returncode, done.stderr) == (2, "bptrain: the job or its data differs between ranks: rank 1 has another than rank 0; "
                                                 "every host must see the same files\n")


def test_a_rank_without_its_data_is_named(mpirun, script, tiny_file, npz):
    tiny_file(data={"train": {"npz": {"path": "train.npz"}}})
    npz("0/train.npz")
    done = mpirun(2, script(OWN_DATA))
    assert (done.returncode, done.stderr) == (2, f"bptrain: rank 1 on {os.uname().nodename}: data.train.npz.path: expected a file "
                                                 'inside the data root, got "train.npz"; there is none of that name\n')


def test_a_loss_that_is_not_finite_ends_all_ranks(mpirun, tiny_file, tmp_path):
    model = {"input": [4], "layers": [{"linear": {"units": 1}}]}
    job = tiny_file(model=model, loss="mse", metrics=[], optimizer={"sgd": {"learning_rate": 1e30}})
    done = mpirun(2, "-m", "worker", job, "--run-dir", "run")
    ended = reports(tmp_path / "run")[-1].ended
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert ended.outcome == AttemptEnded.OUTCOME_FAILED and f" in step {ended.step}: " in done.stdout + done.stderr


@pytest.mark.parametrize("threads", [None, 2])
def test_each_rank_has_the_blas_threads_of_its_job(mpirun, script, tiny_file, threads):
    tiny_file(threads_per_rank=threads, epochs=1)
    done = mpirun(2, script(THREADS), "tiny.yaml")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(f"blas threads {min(threads or 1, os.cpu_count() or 1)}\n") == 2


@pytest.mark.parametrize("asked", [[0], [1], [0, 1, 2]], ids=str)
def test_sigterm_to_any_rank_stops_all_with_a_checkpoint(mpirun, background, training, tiny_file, tmp_path, asked):
    run = background.submit(mpirun, 3, "-m", "worker", tiny_file(epochs=ENDLESS), "--run-dir", "run")
    ranks = training(tmp_path / "run")[0].started.ranks
    for rank in asked:
        os.kill(ranks[rank].pid, signal.SIGTERM)
    assert run.result(timeout=60).returncode == 0
    *_, checkpoint, ended = reports(tmp_path / "run")
    assert ended.ended.outcome == AttemptEnded.OUTCOME_STOPPED
    assert ended.ended.cause == ("stopped by SIGTERM" if 0 in asked else "asked to stop")
    assert checkpoint.checkpoint.step == ended.ended.step
    assert (tmp_path / "run" / "checkpoints" / f"step-{ended.ended.step:08d}").is_dir()


@pytest.fixture
def killed(mpirun, background, training, tiny_file, tmp_path):
    """`killed(1)`: kills that one of three ranks while they train; mpirun's end to wait for."""

    def kill(victim):
        run = background.submit(mpirun, 3, "-m", "worker", tiny_file(epochs=ENDLESS), "--run-dir", "run", timeout_s=60)
        os.kill(training(tmp_path / "run")[0].started.ranks[victim].pid, signal.SIGKILL)
        return run

    return kill


def crews(folder):
    return [report.crew for report in reports(folder) if report.HasField("crew")]


@pytest.mark.parametrize("victim", [0, 1, 2])
def test_the_death_of_a_rank_is_recorded_and_the_others_go_on(killed, tmp_path, until, victim):
    """Then another takes its place, at the end, and all three can be stopped."""
    run = killed(victim)
    first = until(lambda: crews(tmp_path / "run"))[0]
    before = reports(tmp_path / "run")[0].started.ranks
    assert [(lost.rank, lost.host, lost.cause) for lost in first.lost] == [(victim, os.uname().nodename, "died")]
    assert [rank.pid for rank in first.ranks] == [rank.pid for number, rank in enumerate(before) if number != victim]
    healed = until(lambda: next((crew for crew in crews(tmp_path / "run") if crew.joined), None))
    assert (healed.joined, len(healed.ranks), list(healed.ranks[:2])) == (1, 3, list(first.ranks))
    os.kill(healed.ranks[2].pid, signal.SIGTERM)
    done = run.result(timeout=60)
    ended = reports(tmp_path / "run")[-1].ended
    assert (ended.outcome, ended.cause) == (AttemptEnded.OUTCOME_STOPPED, "asked to stop")
    assert ended.step > healed.step >= first.step > 0
    assert f"\nrank {victim} on {os.uname().nodename} died\nstep {first.step}: going on with 2 rank(s) after " in done.stdout
