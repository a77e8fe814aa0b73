"""All ranks, or mpirun itself, die: the node's memory outlives them, and the supervisor starts them again."""

import os
import signal
import time
from pathlib import Path

import psutil
import pytest
import yaml

from bptrain.v1.report_pb2 import AttemptEnded, AttemptStarted
from tests.conftest import is_ours
from tests.faults.conftest import ENDLESS, written

JOBS = Path(__file__).parents[2] / "deploy" / "jobs"
MPICH = os.environ.get("BPTRAIN_MPICH_PYTHON", "")


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    spec = yaml.safe_load((JOBS / "digits.yaml").read_text())
    return written(tmp_path_factory.mktemp("job") / "job.yaml", spec, epochs=ENDLESS, logical_shards=6, recovery={"keep_s": 20})


def descendants(run, word):
    return [process for process in psutil.Process(run.process.pid).children(recursive=True) if word in " ".join(process.cmdline())]


def kill_all_ranks(run):
    for pid in run.pids():
        os.kill(pid, signal.SIGKILL)


def kill_mpirun(run):
    next(process for process in descendants(run, "--with-ft") if process.name().startswith(("mpi", "prte"))).kill()


def keepers():
    """Process ids of those that came of this session's tests; others may run beside it."""
    return {process.pid for process in psutil.process_iter(["cmdline"]) if "keeper.py" in " ".join(process.info["cmdline"] or []) and is_ours(process)}


def starts(run):
    return [report.started for report in run.reports() if report.HasField("started")]


def comes_back(run, times=1):
    """From memory, where it was, and trains on."""
    run.wait_until(lambda: len(starts(run)) == 1 + times and run.steps() > starts(run)[-1].first_step + 20)
    again = starts(run)[-1]
    assert again.source == AttemptStarted.SOURCE_MEMORY and again.first_step > 100 * times


def leave(run):
    """Ctrl-C at `bptrain run`, which would start the ranks again if they alone were stopped."""
    run.process.send_signal(signal.SIGINT)
    assert run.end().outcome == AttemptEnded.OUTCOME_STOPPED


def test_the_ranks_come_back_from_node_memory_and_no_committed_step_is_lost(supervised, job, is_as_if_undisturbed):
    run = supervised(job, ranks=2)
    for times, disaster in enumerate((kill_all_ranks, kill_mpirun), 1):
        run.wait_until(lambda: run.steps() > 100 * times)
        disaster(run)
        comes_back(run, times)
    leave(run)
    is_as_if_undisturbed(job, [run])


@pytest.mark.slow
def test_a_hand_typed_run_goes_on_from_node_memory_with_resume(start, job, is_as_if_undisturbed):
    """Nothing restarts here: mpirun was typed by hand. The same command line with --resume goes on."""
    run = start(job, ranks=2)
    run.wait_until(lambda: run.steps() > 100)
    kill_all_ranks(run)
    run.process.wait(60)
    again = start(job, ranks=3, folder=run.folder, more=["--resume"])
    comes_back(again)
    assert again.stop().outcome == AttemptEnded.OUTCOME_STOPPED
    is_as_if_undisturbed(job, [again])


@pytest.mark.slow
@pytest.mark.skipif(not MPICH, reason="needs MPICH in an environment of its own: set BPTRAIN_MPICH_PYTHON to its python")
def test_without_fault_tolerance_one_death_ends_all_and_node_memory_has_everything(supervised, job, is_as_if_undisturbed):
    run = supervised(job, ranks=2, python=MPICH)
    run.wait_until(lambda: run.steps() > 100)
    run.end_rank(1)
    comes_back(run)
    leave(run)
    is_as_if_undisturbed(job, [run])


def test_a_keeper_leaves_nothing_when_nobody_comes_back(start, job):
    before = keepers()
    run = start(written(job.with_name("short.yaml"), yaml.safe_load(job.read_text()), recovery={"keep_s": 1}), ranks=2)
    run.wait_until(lambda: run.steps() > 20)
    mine = keepers() - before
    assert mine
    kill_all_ranks(run)
    run.process.wait(60)
    until = time.monotonic() + 20
    while keepers() & mine:
        assert time.monotonic() < until
        time.sleep(0.1)
