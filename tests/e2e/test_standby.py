"""Ranks that wait for the next job: taken by one that suits them, and gone with the coordinator, however it ends."""

import signal
import time
from pathlib import Path

import psutil
import pytest

from worker.record import journal
from worker.record.rundir import RunDir

QUICK = {"epochs": 1}


@pytest.fixture
def waiting(processes, wait_until):
    """`waiting(coordinator, 2, but=world)`: process ids of a world that waits or has waited, mpirun's first, once it has so
    many ranks."""

    def found(coordinator, but):
        try:
            marked = [process for process in processes(coordinator.state) if "--standby" in process.cmdline() and process.pid not in but]
            asleep = all(process.status() == psutil.STATUS_SLEEPING for process in marked)
        except psutil.NoSuchProcess:
            return None
        return sorted(process.pid for process in marked) if asleep else None

    def look(coordinator, ranks, but=()):
        return wait_until(lambda: [world for world in [found(coordinator, but)] if world is not None and len(world) == (1 + ranks if ranks else 0)])[0]

    return look


def finished(coordinator, **replaced):
    """A job that has succeeded."""
    return coordinator.wait(coordinator.submit(**QUICK | replaced), "SUCCEEDED")


def pids(job):
    """Of the ranks that it was started with."""
    started = next(report.started for report in journal.read(RunDir(Path(job.run_dir)).journal) if report.HasField("started"))
    return {rank.pid for rank in started.ranks}


def rested(coordinator, waiting):
    """(a job that has succeeded, the ranks that wait for the one after it); those that did it may take a while to leave."""
    job = finished(coordinator)
    return job, waiting(coordinator, 2, but=pids(job))


def test_the_next_job_is_done_by_the_ranks_that_waited_with_the_same_bits(standing, waiting):
    first, world = rested(standing, waiting)
    second = finished(standing)
    assert pids(second) < set(world) and pids(first).isdisjoint(world)
    assert second.digest == first.digest
    assert waiting(standing, 2, but=world), "others, for the one after it"


@pytest.mark.slow
def test_they_are_gone_when_the_coordinator_has_left(coordinator, waiting):
    job = finished(coordinator)
    world = waiting(coordinator, 2)
    assert coordinator.end() == 0
    assert not any(map(psutil.pid_exists, world))
    assert [path.name for path in (coordinator.state / "runs").iterdir()] == [Path(job.run_dir).name]


@pytest.mark.slow
def test_they_leave_when_the_coordinator_is_killed(coordinator, waiting, wait_until):
    job = finished(coordinator)
    waiting(coordinator, 2)
    coordinator.end(signal.SIGKILL)
    waiting(coordinator, 0)
    wait_until(lambda: [path.name for path in (coordinator.state / "runs").iterdir()] == [Path(job.run_dir).name])


@pytest.mark.slow
def test_a_coordinator_that_comes_back_finds_the_job_that_they_do(coordinator, waiting):
    finished(coordinator)
    world = waiting(coordinator, 2)
    job = coordinator.running()
    coordinator.end(signal.SIGKILL)
    coordinator.start()
    coordinator.wait(job, "RUNNING")
    assert pids(job) < set(world) and all(map(psutil.pid_exists, world))
    coordinator.client.cancel(job.id)
    coordinator.wait(job, "CANCELLED")


@pytest.mark.parametrize("victim", [0, 1], ids=["mpirun", "a rank"])


@pytest.mark.slow
def test_a_job_does_not_depend_on_them(standing, waiting, victim):
    first, world = rested(standing, waiting)
    standing.kill(psutil.Process(world[victim]))
    job = finished(standing)
    assert job.digest == first.digest and pids(job).isdisjoint(world)


@pytest.mark.slow
def test_nobody_waits_where_the_slots_are_taken(standing, waiting):
    _, world = rested(standing, waiting)
    job = standing.running()
    time.sleep(2)
    assert not waiting(standing, 0, but=world)
    standing.client.cancel(job.id)
    standing.wait(job, "CANCELLED")


@pytest.mark.slow
def test_a_job_that_is_cancelled_at_once_leaves_nothing(standing, waiting):
    _, world = rested(standing, waiting)
    job = standing.submit()
    standing.client.cancel(job.id)
    standing.wait(job, "CANCELLED", "SUCCEEDED")
    assert waiting(standing, 2, but=world)


def test_they_may_be_declined(workplace):
    done = workplace.bptrain("serve", "--help")
    assert "--no-standby" in done.stdout


@pytest.mark.slow
def test_a_rank_of_theirs_that_dies_is_replaced(standing, waiting, wait_until):
    _, world = rested(standing, waiting)
    job = standing.running()
    standing.kill(psutil.Process(max(pids(job))))
    wait_until(lambda: any(report.crew.joined for report in journal.read(RunDir(Path(job.run_dir)).journal)))
    assert psutil.pid_exists(world[0]) and standing.client.get(job.id).state == job.state
    standing.client.cancel(job.id)
    standing.wait(job, "CANCELLED")


@pytest.mark.slow
def test_another_number_of_ranks_is_started_afresh_and_waits_next(standing, waiting):
    _, world = rested(standing, waiting)
    assert pids(finished(standing, ranks=1)).isdisjoint(world)
    assert waiting(standing, 1, but=world)
