"""All ranks, or mpirun itself, die: the node's memory outlives them, and the supervisor starts them again."""

import os
import signal
import time
from pathlib import Path

import psutil
import pytest
import yaml

from bptrain.v1.report_pb2 import AttemptEnded, AttemptStarted

JOBS = Path(__file__).parents[2] / "deploy" / "jobs"
MPICH = os.environ.get("BPTRAIN_MPICH_PYTHON", "")


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    spec = yaml.safe_load((JOBS / "digits.yaml").read_text()) | {"epochs": 30, "logical_shards": 6, "recovery": {"keep_s": 20}}
    path = tmp_path_factory.mktemp("job") / "job.yaml"
    path.write_text(yaml.safe_dump(spec))
    return path


@pytest.fixture(scope="module")
def undisturbed(job, run_alone):
    return run_alone(job)


def descendants(run, word):
    return [process for process in psutil.Process(run.process.pid).children(recursive=True) if word in " ".join(process.cmdline())]


def kill_all_ranks(run):
    for pid in run.pids():
        os.kill(pid, signal.SIGKILL)


def kill_mpirun(run):
    next(process for process in descendants(run, "--with-ft") if process.name().startswith(("mpi", "prte"))).kill()


def starts(run):
    return [report.started for report in run.reports() if report.HasField("started")]


@pytest.mark.parametrize("disaster", [kill_all_ranks, kill_mpirun])
def test_the_ranks_come_back_from_node_memory_and_no_committed_step_is_lost(supervised, job, undisturbed, disaster):
    run = supervised(job, ranks=2)
    run.wait_until(lambda: run.steps() > 100)
    disaster(run)
    run.wait_until(lambda: len(starts(run)) == 2)
    end = run.end()
    again = starts(run)[1]
    assert again.source == AttemptStarted.SOURCE_MEMORY and again.first_step > 100
    assert (end.outcome, end.digest, run.curve()) == (AttemptEnded.OUTCOME_COMPLETED, *undisturbed)


def test_a_hand_typed_run_goes_on_from_node_memory_with_resume(start, job, undisturbed):
    """Nothing restarts here: mpirun was typed by hand. The same command line with --resume goes on."""
    run = start(job, ranks=2)
    run.wait_until(lambda: run.steps() > 100)
    kill_all_ranks(run)
    run.process.wait(60)
    again = start(job, ranks=3, folder=run.folder, more=["--resume"])
    end = again.end()
    assert starts(again)[-1].source == AttemptStarted.SOURCE_MEMORY
    assert (end.digest, again.curve()) == undisturbed


@pytest.mark.skipif(not MPICH, reason="needs MPICH in an environment of its own: set BPTRAIN_MPICH_PYTHON to its python")
def test_without_fault_tolerance_one_death_ends_all_and_node_memory_has_everything(supervised, job, undisturbed):
    run = supervised(job, ranks=2, python=MPICH)
    run.wait_until(lambda: run.steps() > 100)
    run.end_rank(1)
    end = run.end()
    assert starts(run)[1].source == AttemptStarted.SOURCE_MEMORY
    assert (end.digest, run.curve()) == undisturbed


def test_a_keeper_leaves_nothing_when_nobody_comes_back(start, job):
    keepers = lambda: [process for process in psutil.process_iter(["cmdline"]) if "keeper.py" in " ".join(process.info["cmdline"] or [])]  # noqa: E731
    before = {process.pid for process in keepers()}
    spec = yaml.safe_load(job.read_text()) | {"recovery": {"keep_s": 1}}
    short = job.with_name("short.yaml")
    short.write_text(yaml.safe_dump(spec))
    run = start(short, ranks=2)
    run.wait_until(lambda: run.steps() > 20)
    mine = {process.pid for process in keepers()} - before
    assert mine
    kill_all_ranks(run)
    run.process.wait(60)
    until = time.monotonic() + 20
    while {process.pid for process in keepers()} & mine:
        assert time.monotonic() < until
        time.sleep(0.1)
