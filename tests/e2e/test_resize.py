"""Growing and shrinking a job while it trains: one curve, every step once, the bits of an undisturbed run."""

import socket
from pathlib import Path

import pytest

from bpcore.errors import InvalidInput
from bptrain.v1.report_pb2 import AttemptStarted
from coordinator.errors import Refusal
from coordinator.jobs import states
from coordinator.views.run import RunView
from worker.record import journal

STEPS = 480  # that are compared; the jobs themselves have no end
SHORT = {"recovery": {"keep_s": 0.2}}  # less than ranks take to start: those that leave for others are waited for longer
STOOD_STILL_S = 20  # far more than it takes: the machine may be busy


@pytest.fixture
def roomy(tmp_path, coordinator):
    """A coordinator with three slots."""
    coordinator.end()
    coordinator.slots = 3
    coordinator.start()
    return coordinator


def reports(job):
    return list(journal.read(Path(job.run_dir, "journal")))


def curve(job):
    series = RunView().apply_all(reports(job)).series["loss"]
    return list(series.steps), [value.hex() for value in series.values]


def stood_still(job):
    """Seconds between the last step of each attempt and the first one of the next."""
    times = {step: when for report in reports(job) for step, when in zip(report.points.steps, report.points.times)}
    firsts = [report.started.first_step for report in reports(job) if report.HasField("started")][1:]
    return [times[first] - times[first - 1] for first in firsts]


def further(coordinator, wait_until, job, steps):
    """Waits until the job has done so many steps more."""
    goal = coordinator.client.get(job.id).progress.step + steps
    wait_until(lambda: coordinator.client.get(job.id).progress.step >= goal)


def cut(coordinator, wait_until, job):
    """The job, cancelled behind the steps that are compared."""
    wait_until(lambda: coordinator.client.get(job.id).progress.step >= STEPS)
    coordinator.client.cancel(job.id)
    ended = coordinator.wait(job, "CANCELLED")
    steps = [step for report in reports(ended) if report.points.columns and report.points.columns[0].series == "loss"
             for step in report.points.steps]
    assert steps == list(range(len(steps)))  # computed once each, none again
    return ended


def test_a_job_grows_and_shrinks_with_the_same_bits(roomy, wait_until, capsys):
    job = roomy.running(ranks=1, **SHORT)
    for ranks in (3, 2):
        done = roomy.bptrain("resize", job.id, ranks)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("RUNNING at step ") and done.stdout.endswith(f"{ranks} rank(s) met on {socket.gethostname()}\n")
        assert roomy.client.get(job.id).spec.ranks == ranks
        further(roomy, wait_until, job, 20)
    ended = cut(roomy, wait_until, job)
    undisturbed = cut(roomy, wait_until, roomy.running(ranks=1, name="whole"))
    begun = [report.started for report in reports(ended) if report.HasField("started")]
    assert [(len(each.ranks), each.source) for each in begun] == [
        (1, AttemptStarted.SOURCE_NOTHING), (3, AttemptStarted.SOURCE_MEMORY), (2, AttemptStarted.SOURCE_MEMORY)]
    assert [column[:STEPS] for column in curve(ended)] == [column[:STEPS] for column in curve(undisturbed)]
    seconds = stood_still(ended)
    with capsys.disabled():
        print(f"\nresize 1 → 3 → 2: stood still {', '.join(f'{each:.2f} s' for each in seconds)}")
    assert len(seconds) == 2 and max(seconds) < STOOD_STILL_S


@pytest.mark.slow
def test_without_shared_memory_it_goes_on_from_a_checkpoint(roomy, wait_until):
    job = roomy.running(ranks=2, shared_memory=False)
    assert roomy.bptrain("resize", job.id, 1).returncode == 0
    begun = [report.started.source for report in reports(cut(roomy, wait_until, job)) if report.HasField("started")]
    assert begun == [AttemptStarted.SOURCE_NOTHING, AttemptStarted.SOURCE_DISK]


@pytest.mark.slow
def test_what_cannot_be_is_refused_and_the_job_goes_on(roomy, wait_until):
    job = roomy.running(ranks=2)
    for ranks, problem in ((0, "expected 1 to logical_shards = 4, got 0"), (5, "expected 1 to logical_shards = 4, got 5"),
                           (4, "expected at most 3, the coordinator's slots, got 4")):
        with pytest.raises(InvalidInput) as refused:
            roomy.client.resize(job.id, ranks)
        assert str(refused.value) == f"ranks: {problem}"
    other = roomy.submit(**roomy.slow | {"ranks": 1})
    roomy.wait(other, "RUNNING")
    with pytest.raises(Refusal, match=f"^job {job.id} needs 1 more slot\\(s\\), but other jobs leave 0$"):
        roomy.client.resize(job.id, 3)
    waiting = roomy.submit(ranks=1)
    with pytest.raises(Refusal, match=f"^job {waiting.id} is QUEUED: it cannot be resized$"):
        roomy.client.resize(waiting.id, 2)
    further(roomy, wait_until, job, 5)
    assert len([report for report in reports(job) if report.HasField("started")]) == 1
    for each in (waiting, other, job):
        roomy.client.cancel(each.id)
    roomy.wait(job, "CANCELLED")


@pytest.mark.slow
def test_slots_that_a_smaller_job_gives_back_go_to_those_that_wait(roomy):
    job = roomy.running(ranks=3)
    waiting = roomy.submit(ranks=2, epochs=1)
    assert states.label(roomy.client.get(waiting.id).state) == "QUEUED"
    roomy.client.resize(job.id, 1)
    roomy.wait(waiting, "SUCCEEDED")
    assert roomy.wait(job, "RUNNING").spec.ranks == 1
    roomy.client.cancel(job.id)
    roomy.wait(job, "CANCELLED")
