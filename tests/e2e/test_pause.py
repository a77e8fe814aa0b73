"""Jobs that leave their ranks and come back: paused, cancelled and tried again, forked; the bits of an undisturbed run."""

import time
from pathlib import Path

import pytest

from bpcore.errors import InvalidInput
from bptrain.v1.report_pb2 import AttemptStarted
from coordinator.answers import Point
from coordinator.errors import Refusal
from coordinator.jobs import states
from worker.record import checkpoint, journal

EPOCHS = 240  # 1,920 steps of the slow job: time enough to do something to it on a fast machine
SHORT = {"epochs": 3, "checkpoint": {"every_steps": 8, "keep": 9}}  # of the small job, 24 steps


def started(job):
    return [report.started for report in journal.read(Path(job.run_dir, "journal")) if report.HasField("started")]


def further(standing, wait_until, job):
    """Waits until the job has done some steps more."""
    goal = standing.client.get(job.id).progress.step + 20
    wait_until(lambda: standing.client.get(job.id).progress.step >= goal)


@pytest.fixture(scope="module")
def whole(standing):
    """A slow job that nobody has disturbed."""
    return standing.client.wait(standing.submit(**standing.slow | {"epochs": EPOCHS, "name": "whole"}).id)


@pytest.fixture(scope="module")
def moments(standing, wait_until):
    """The same job as it is paused on two ranks; then resumed on one and cancelled; then tried again to its end."""
    job = standing.running(ranks=2, epochs=EPOCHS, checkpoint={"keep": 9})
    assert states.label(standing.client.pause(job.id).state) == "PAUSING"
    paused = standing.client.wait(job.id, ["paused"])
    standing.client.resume(job.id, 1)
    standing.client.wait(job.id, ["running"])
    further(standing, wait_until, job)
    standing.client.cancel(job.id)
    cancelled = standing.client.wait(job.id)
    standing.client.retry(job.id)
    return paused, cancelled, standing.client.wait(job.id)


@pytest.fixture(scope="module")
def source(standing):
    """A short job that kept a checkpoint of each epoch."""
    return standing.client.wait(standing.submit(**SHORT).id)


@pytest.mark.slow
def test_each_start_of_the_ranks_has_its_part_of_the_log(standing, moments):
    parts = [list(standing.client.logs(moments[-1].id, attempt=attempt)) for attempt in (1, 2, 3, 4)]
    assert [{line.attempt for line in part} for part in parts] == [{1}, {2}, {3}, set()]
    assert [line for part in parts for line in part] == list(standing.client.logs(moments[-1].id))


def test_a_paused_job_has_no_ranks_and_a_checkpoint(moments):
    paused, _, _ = moments
    assert (states.label(paused.state), paused.cause) == ("PAUSED", "paused by a user")
    assert paused.progress.step in checkpoint.kept(Path(paused.run_dir, "checkpoints"))


@pytest.mark.slow
def test_a_job_that_was_paused_and_cancelled_has_the_bits_of_one_that_never_was(standing, whole, moments):
    """On other ranks, too."""
    _, cancelled, after = moments
    assert [states.label(job.state) for job in (cancelled, after)] == ["CANCELLED", "SUCCEEDED"] and after.spec.ranks == 1
    assert after.digest == whole.digest != ""
    curves = [standing.client.curve(job.id)["loss"] for job in (whole, after)]
    assert list(curves[0].steps) == list(curves[1].steps) == list(range(8 * EPOCHS))
    assert [value.hex() for value in curves[0].values] == [value.hex() for value in curves[1].values]


def test_it_goes_on_where_it_was_and_computes_no_step_twice(moments):
    paused, cancelled, after = moments
    assert [(each.first_step, len(each.ranks), each.source) for each in started(after)] == [
        (0, 2, AttemptStarted.SOURCE_NOTHING), (paused.progress.step, 1, AttemptStarted.SOURCE_DISK),
        (cancelled.progress.step, 1, AttemptStarted.SOURCE_DISK)]


def test_a_watch_goes_on_over_the_pause(standing, moments):
    steps = [event.step for event in standing.client.watch(moments[-1].id) if isinstance(event, Point) and "loss" in event.values]
    assert steps == list(range(8 * EPOCHS))


@pytest.mark.parametrize("mode", ["step", "now"])
def test_a_job_may_be_ended_without_a_checkpoint(standing, mode):
    job = standing.running(ranks=2, checkpoint={"every_s": 3600})
    standing.client.cancel(job.id, mode)
    ended = standing.client.wait(job.id)
    assert (states.label(ended.state), ended.cause) == ("CANCELLED", "cancelled by a user")
    assert checkpoint.newest(Path(ended.run_dir, "checkpoints")) == -1


@pytest.mark.slow
def test_a_fork_goes_on_from_a_step_of_another_job_with_its_bits_or_with_changes(standing, source):
    assert checkpoint.kept(Path(source.run_dir, "checkpoints")) == [8, 16, 24]
    same = standing.client.wait(standing.client.fork(source.id, 8).id)
    other = standing.client.wait(standing.client.fork(source.id, 16, {"name": "slower", "optimizer": {"adam": {"learning_rate": 1e-5}}}).id)
    assert (same.origin.job_id, same.origin.step, same.digest) == (source.id, 8, source.digest)
    assert (states.label(other.state), other.spec.name) == ("SUCCEEDED", "slower") and other.digest != source.digest
    assert [each.first_step for each in (*started(same), *started(other))] == [8, 16]
    curve, trunk = standing.client.curve(other.id)["loss"], standing.client.curve(source.id)["loss"]
    assert list(curve.steps) == list(range(16, 24)) and curve.values[0] == trunk.values[16]  # the loss before the first update


def test_a_fork_that_cannot_be_is_refused_and_leaves_nothing(standing, source):
    before = sorted(path.name for path in Path(source.run_dir).parent.iterdir())
    with pytest.raises(Refusal, match=f"^job {source.id} has no whole checkpoint of step 7; kept: 8, 16, 24$"):
        standing.client.fork(source.id, 7)
    with pytest.raises(InvalidInput, match='^update_mask: unknown field "batch_size"'):
        standing.client.fork(source.id, changes={"batch_size": 3})
    with pytest.raises(InvalidInput, match="^optimizer: the optimizer keeps nothing, but the checkpoint has "):
        standing.client.fork(source.id, changes={"optimizer": {"sgd": {"learning_rate": 0.1}}})
    assert {path.name for path in Path(source.run_dir).parent.iterdir()} <= set(before)


@pytest.mark.slow
def test_a_job_is_stopped_when_its_time_is_up(standing):
    limited = standing.submit(**standing.slow | {"ranks": 1, "time_limit_s": 2})  # which may be up before it has done a step
    late = standing.submit(**standing.slow | {"ranks": 1, "deadline": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 4))})
    for job, cause in ((limited, "it has trained for its time limit of 2 s"), (late, f"its deadline {late.spec.deadline} has come")):
        ended = standing.client.wait(job.id)
        assert (states.label(ended.state), ended.cause) == ("CANCELLED", cause)
