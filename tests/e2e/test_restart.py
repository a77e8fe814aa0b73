"""The coordinator may die, be told to leave, or be away: the ranks go on, and nothing is missing afterwards."""

import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from coordinator.client import Client, Notice, Point
from coordinator.jobs import states


def pids(coordinator, job):
    mpirun, ranks = coordinator.ranks(job.run_dir)
    return [mpirun.pid, *sorted(rank.pid for rank in ranks)]


def steps(events):
    return [event.step for event in events if isinstance(event, Point)]


def kinds(events):
    return [event.kind for event in events if isinstance(event, Notice)]


@pytest.fixture
def watcher(coordinator):
    """`watcher(job)`: the future of everything that a program sees which watches from now on."""
    with Client(coordinator.address) as client, ThreadPoolExecutor(1) as pool:

        def watch(job):
            stream = client.watch(job.id)
            first = next(stream)
            return pool.submit(lambda: [first, *stream])

        yield watch


@pytest.mark.parametrize(("number", "status"), [(signal.SIGKILL, -9), pytest.param(signal.SIGTERM, 0, marks=pytest.mark.slow)], ids=["kill -9", "SIGTERM"])
def test_a_job_outlives_its_coordinator_and_is_found_again(coordinator, watcher, number, status):
    job = coordinator.running()
    before, watched = pids(coordinator, job), watcher(job)
    assert coordinator.end(number) == status
    assert pids(coordinator, job) == before
    coordinator.start()
    assert states.label(coordinator.client.get(job.id).state) == "RUNNING" and pids(coordinator, job) == before
    coordinator.client.cancel(job.id)
    ended = coordinator.wait(job, "CANCELLED", "FAILED")
    assert ended.transitions[-2].cause == ended.cause == "cancelled by a user"
    assert steps(watched.result(timeout=60)) == list(range(ended.progress.step))
    assert kinds(watched.result()).count("started") == kinds(watched.result()).count("ended") == 1


@pytest.mark.slow
def test_folds_outlive_their_coordinator_and_go_on_as_one_job(coordinator, wait_until):
    data = {"train": {"npz": {"path": "train.npz"}}}
    job = coordinator.submit(**coordinator.slow | {"data": data, "folds": 3, "ranks": 1})
    each = wait_until(lambda: [fold for fold in coordinator.client.get(job.id).folds if fold.progress.step > 2][:2][1:] and coordinator.client.get(job.id).folds)
    before = [coordinator.ranks(coordinator.client.get(fold.job_id).run_dir)[0] for fold in each]
    coordinator.end(signal.SIGKILL)
    coordinator.start()
    found = coordinator.client.get(job.id)
    assert [states.label(fold.state) for fold in found.folds] == ["RUNNING", "RUNNING", "QUEUED"] and states.label(found.state) == "RUNNING"
    assert [coordinator.ranks(coordinator.client.get(fold.job_id).run_dir)[0] for fold in each] == before
    coordinator.client.cancel(job.id)
    ended = coordinator.wait(job, "CANCELLED", "FAILED")
    assert [states.label(fold.state) for fold in ended.folds] == ["CANCELLED"] * 3 and all(fold.progress.step for fold in ended.folds[:2])


def test_a_coordinator_that_is_told_to_leave_says_what_goes_on(coordinator):
    assert coordinator.end(signal.SIGTERM) == 0
    assert coordinator.log.read_text().splitlines()[-1] == "leaving; jobs that run go on"


def test_a_coordinator_whose_words_nobody_reads_leaves_when_told(workplace):
    command = [workplace.program, "serve", "--port", 0, "--worker-port", 0, "--state", workplace.folder / "state"]
    with workplace.popen(*command) as process:
        assert process.stdout.readline().startswith("coordinator at ")
        process.stdout.close()
        process.terminate()
        assert process.wait(60) in (0, 1) and "Traceback" not in process.stderr.read()


@pytest.mark.slow
def test_a_job_that_ends_while_the_coordinator_is_away_has_its_whole_curve(coordinator, processes, wait_until):
    job = coordinator.running(epochs=60)
    coordinator.end(signal.SIGKILL)
    wait_until(lambda: not processes(job.run_dir))
    coordinator.start()
    ended = coordinator.wait(job, "SUCCEEDED", "FAILED")
    events = list(coordinator.client.watch(job.id))
    assert (ended.cause, kinds(events).count("started"), kinds(events)[-1]) == ("completed", 1, "ended")
    assert steps(events) == list(coordinator.client.curve(job.id)["loss"].steps) == list(range(8 * 60))
    assert ended.digest == events[-1].message.digest != ""


@pytest.mark.slow
def test_waiting_jobs_still_wait_after_a_restart_and_a_running_one_can_still_be_cancelled(coordinator):
    busy, waiting = coordinator.running(), coordinator.submit()
    coordinator.end(signal.SIGKILL)
    coordinator.start()
    assert coordinator.client.get(waiting.id).queue_position == 1
    coordinator.client.cancel(busy.id)
    assert coordinator.wait(busy, "CANCELLED", "FAILED").cause == "cancelled by a user"
    assert coordinator.wait(waiting, "SUCCEEDED", "FAILED").cause == "completed"
