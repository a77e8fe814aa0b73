"""Ranks that wait for a run: for as long as their launcher holds the folder, and not longer."""

import json
import subprocess
import sys
import time

import pytest

from tests.conftest import MPIRUN
from worker import plan, standby
from worker.jobs import jobfile
from worker.record.rundir import RunDir

LEAVE_S = 30


@pytest.fixture
def folder(tmp_path):
    return RunDir(tmp_path / "run")


@pytest.fixture
def start(folder):
    """`start(2)`: so many ranks that wait in the folder."""
    started = []

    def begin(ranks):
        world = [*MPIRUN, "--prtemca", "prte_tmpdir_base", str(folder.path.parent), "-n", str(ranks)] if ranks > 1 else []
        command = [*world, sys.executable, "-m", "worker", str(folder.path), "--data-root", str(folder.path.parent), "--standby"]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def prepare(folder, spec):
    folder.prepare(spec, resume=False)
    folder.write_plan(plan.even(spec, 1))


@pytest.fixture
def spec(job):
    return lambda ranks: jobfile.parse(job(epochs=1, ranks=ranks, logical_shards=2))[0]


@pytest.mark.parametrize("ranks", [1, 2])
def test_they_begin_when_the_folder_is_let_go_with_a_plan(folder, start, spec, ranks):
    lock = standby.hold(folder)
    process = start(ranks)
    time.sleep(1)
    assert process.poll() is None and not folder.journal.exists()
    prepare(folder, spec(ranks))
    standby.release(lock)
    output, _ = process.communicate(timeout=LEAVE_S)
    assert process.returncode == 0 and f"{ranks} rank(s)" in output and "completed at step" in output


def test_ranks_that_come_too_late_begin_at_once(folder, start, spec):
    standby.release(standby.hold(folder))
    prepare(folder, spec(1))
    assert "completed" in start(1).communicate(timeout=LEAVE_S)[0]


@pytest.mark.parametrize("ranks", [1, 2])
def test_without_a_plan_they_leave_without_a_trace(folder, start, ranks):
    lock = standby.hold(folder)
    folder.log.touch()
    process = start(ranks)
    time.sleep(1)
    standby.release(lock)
    assert process.communicate(timeout=LEAVE_S)[0] == "" and process.returncode == 0
    assert not folder.path.exists()


def test_they_leave_when_their_launcher_is_killed(folder, start):
    program = "import sys, time; from pathlib import Path; from worker import standby; from worker.record import rundir; " \
              f"standby.hold(rundir.RunDir(Path({json.dumps(str(folder.path))}))); print('held', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as launcher:
        launcher.stdout.readline()
        process = start(2)
        time.sleep(1)
        assert process.poll() is None
        launcher.kill()
    assert process.communicate(timeout=LEAVE_S)[0] == "" and not folder.path.exists()


def test_a_folder_with_more_in_it_stays(folder, start):
    lock = standby.hold(folder)
    (folder.path / "notes").touch()
    standby.release(lock)
    start(1).communicate(timeout=LEAVE_S)
    assert [path.name for path in folder.path.iterdir()] == ["notes"]


def test_waiting_takes_no_time(folder, start):
    lock = standby.hold(folder)
    process = start(1)
    time.sleep(3)
    with open(f"/proc/{process.pid}/stat") as file:
        before = file.read().split()[13:15]
    time.sleep(1)
    with open(f"/proc/{process.pid}/stat") as file:
        assert file.read().split()[13:15] == before
    standby.release(lock)
