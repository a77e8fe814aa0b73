"""local: real ranks under a real mpirun, started by a program that is gone."""

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from bptrain.v1.report_pb2 import AttemptEnded
from coordinator.launchers import Order, scratch
from coordinator.launchers.local import Local, LocalLaunch
from worker.jobs import jobfile
from worker.record import journal
from worker.record.rundir import RunDir

STARTER = """
import asyncio, sys
from pathlib import Path
from coordinator.launchers import Order, scratch
from coordinator.launchers.local import Local

asyncio.run(Local().start(Order(Path(sys.argv[1]), 2, Path(sys.argv[2]))))
"""
STARTING = """
import os, signal, sys, time

child = os.fork()
if child == 0:
    signal.signal(signal.SIGTERM, lambda *_: None)
    time.sleep(1)
    os.execv(sys.argv[3], sys.argv[3:])
os.waitpid(child, 0)
"""
DEADLINE_S = 60


@pytest.fixture
def order(tmp_path, data_root, small_spec):
    """A run that takes longer than any test."""
    folder = RunDir(tmp_path / "run")
    folder.prepare(small_spec(epochs=1_000_000), resume=False)
    return Order(folder.path, 2, data_root)


@pytest.fixture
def launch(order):
    """That run, training, whoever started it gone."""
    subprocess.run([sys.executable, "-W", "ignore", "-c", STARTER, order.run_dir, order.data_root], check=True, timeout=DEADLINE_S)
    wait_until(lambda: reports(order))
    found = Local().find(order.run_dir)
    yield found
    found.ask_to_stop()
    asyncio.run(asyncio.wait_for(found.wait(), DEADLINE_S))


def wait_until(condition):
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def reports(order):
    return list(journal.read(RunDir(order.run_dir).journal))


def processes(order):
    """All that run for the order: mpirun, its helpers and the ranks."""
    found = [process for process in psutil.process_iter(["cmdline", "status"]) if str(order.run_dir) in (process.info["cmdline"] or [])]
    return [process for process in found if process.info["status"] != psutil.STATUS_ZOMBIE]


def traces(order):
    """What Open MPI keeps outside the run's folder as long as it runs."""
    found = {Path(entry.path) for process in processes(order) for entry in process.memory_maps() if entry.path.startswith("/dev/shm/")}
    return found | set(scratch.folders(order.run_dir))


def test_ranks_outlive_their_starter_in_a_session_of_their_own(launch, order):
    assert len(processes(order)) == 3  # mpirun and two ranks
    assert os.getsid(0) not in {os.getsid(process.pid) for process in processes(order)}


def test_a_running_launch_is_found_by_its_folder_and_by_no_other(launch, order, tmp_path):
    assert launch is not None
    assert Local().find(tmp_path / "ru") is None
    assert Local().find(tmp_path / "run" / "more") is None


def test_ranks_that_are_asked_to_stop_write_a_checkpoint_and_end(launch, order):
    launch.ask_to_stop()
    assert asyncio.run(asyncio.wait_for(launch.wait(), DEADLINE_S)) is None  # another program's child: no exit status
    assert reports(order)[-1].ended.outcome == AttemptEnded.OUTCOME_STOPPED
    assert len(list(RunDir(order.run_dir).checkpoints.glob("step-*"))) == 1


def test_killed_ranks_are_gone_and_are_not_found_again(launch, order):
    launch.kill()
    asyncio.run(asyncio.wait_for(launch.wait(), DEADLINE_S))
    wait_until(lambda: not processes(order))
    assert Local().find(order.run_dir) is None


def test_killed_ranks_leave_nothing_outside_their_folder(launch, order):
    kept = traces(order)
    launch.kill()
    asyncio.run(asyncio.wait_for(launch.wait(), DEADLINE_S))
    assert [path for path in kept if path.exists()] == []


def test_a_launch_is_over_when_its_ranks_are_though_mpirun_was_killed_before_them(launch, order):
    next(process for process in processes(order) if process.name().startswith(("mpi", "prte"))).kill()
    asyncio.run(asyncio.wait_for(launch.wait(), DEADLINE_S))
    assert processes(order) == []
    RunDir(order.run_dir).prepare(jobfile.read(RunDir(order.run_dir).job)[0], resume=True)  # nobody holds the folder


def test_a_launch_that_is_over_leaves_other_runs_alone(launch, order, tmp_path):
    bystander = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()", "-m", "worker", str(order.run_dir)], stdin=subprocess.PIPE)
    launch.kill()
    asyncio.run(asyncio.wait_for(launch.wait(), DEADLINE_S))
    assert bystander.poll() is None
    bystander.communicate(timeout=DEADLINE_S)


def test_a_launch_of_our_own_gives_its_exit_status(order, small_spec):
    RunDir(order.run_dir).prepare(small_spec(epochs=1), resume=False)

    async def scenario():
        return await asyncio.wait_for((await Local().start(order)).wait(), DEADLINE_S)

    assert asyncio.run(scenario()) == 0
    assert "completed at step 8" in RunDir(order.run_dir).log.read_text()


def test_the_command_can_be_typed_by_a_person(order):
    command = Local().command(Order(order.run_dir, 3, order.data_root, "127.0.0.1:7422", resume=True))
    assert Path(command[0]).name == "mpirun"
    assert command[command.index("-n"):] == ["-n", "3", sys.executable, "-m", "worker", str(order.run_dir),
                                             "--data-root", str(order.data_root), "--coordinator", "127.0.0.1:7422", "--resume"]


def test_without_a_coordinator_and_a_checkpoint_the_command_is_shorter(order):
    assert not {"--coordinator", "--resume"} & set(Local().command(order))


def test_a_rank_that_was_not_one_yet_when_all_were_asked_to_stop_is_asked_when_it_is(order):
    """As an mpirun forks, and the child still is what mpirun was: what it was asked then is forgotten. A Ctrl-C was lost so."""
    rank = [sys.executable, "-m", "worker", str(order.run_dir), "--data-root", str(order.data_root)]
    command = [sys.executable, "-c", STARTING, "-n", "1", *rank]
    process = psutil.Popen(command, stdout=subprocess.DEVNULL)
    launch = LocalLaunch(process, command, process)
    wait_until(process.children)

    def asked_until_it_has_ended():
        launch.ask_to_stop()
        return process.poll() is not None

    wait_until(asked_until_it_has_ended)
