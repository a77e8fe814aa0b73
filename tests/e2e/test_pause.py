"""Jobs that leave their ranks and come back: paused, cancelled and tried again, forked; the bits of an undisturbed run."""

import time
from pathlib import Path

import pytest

from bpcore.errors import InvalidInput
from bptrain.v1.report_pb2 import AttemptStarted
from coordinator.answers import Point
from coordinator.errors import Refusal
from coordinator.jobs import states
from worker import checkpoint, journal

EPOCHS = 240  # 1,920 steps of the slow job: time enough to do something to it on a fast machine


def started(job):
    return [report.started for report in journal.read(Path(job.run_dir, "journal")) if report.HasField("started")]


@pytest.fixture(scope="module")
def whole(standing):
    """A slow job that nobody has disturbed."""
    return standing.client.wait(standing.submit(**standing.slow | {"epochs": EPOCHS, "name": "whole"}).id)


@pytest.fixture(scope="module")
def paused(standing, whole):
    """The same job, paused on two ranks and resumed on one."""
    job = standing.running(ranks=2, epochs=EPOCHS)
    assert states.label(standing.client.pause(job.id).state) == "PAUSING"
    before = standing.client.wait(job.id, ["paused"])
    standing.client.resume(job.id, 1)
    return before, standing.client.wait(job.id)


def test_a_paused_job_has_no_ranks_and_a_checkpoint(standing, paused):
    before, _ = paused
    assert (states.label(before.state), before.cause) == ("PAUSED", "paused by a user")
    assert before.progress.step in checkpoint.kept(Path(before.run_dir, "checkpoints"))


def test_a_job_resumed_on_another_number_of_ranks_has_the_bits_of_one_that_was_never_paused(standing, whole, paused):
    _, after = paused
    assert states.label(after.state) == "SUCCEEDED" and after.spec.ranks == 1
    assert after.digest == whole.digest != ""
    curves = [standing.client.curve(job.id)["loss"] for job in (whole, after)]
    assert list(curves[0].steps) == list(curves[1].steps) == list(range(8 * EPOCHS))
    assert [value.hex() for value in curves[0].values] == [value.hex() for value in curves[1].values]


def test_it_goes_on_where_it_was_and_computes_no_step_twice(paused):
    before, after = paused
    assert [(each.first_step, len(each.ranks), each.source) for each in started(after)] == [
        (0, 2, AttemptStarted.SOURCE_NOTHING), (before.progress.step, 1, AttemptStarted.SOURCE_DISK)]


def test_a_watch_goes_on_over_the_pause(standing, paused):
    _, after = paused
    steps = [event.step for event in standing.client.watch(after.id) if isinstance(event, Point) and "loss" in event.values]
    assert steps == list(range(8 * EPOCHS))


def test_a_cancelled_job_goes_on_from_its_checkpoint_when_it_is_tried_again(standing, whole):
    job = standing.running(ranks=2, epochs=EPOCHS)
    standing.client.cancel(job.id)
    assert states.label(standing.client.wait(job.id).state) == "CANCELLED"
    standing.client.retry(job.id)
    ended = standing.client.wait(job.id)
    assert (states.label(ended.state), ended.digest) == ("SUCCEEDED", whole.digest)
    assert [each.source for each in started(ended)] == [AttemptStarted.SOURCE_NOTHING, AttemptStarted.SOURCE_DISK]


@pytest.mark.parametrize("mode", ["step", "now"])
def test_a_job_may_be_ended_without_a_checkpoint(standing, mode):
    job = standing.running(ranks=2, checkpoint={"every_s": 3600})
    standing.client.cancel(job.id, mode)
    ended = standing.client.wait(job.id)
    assert (states.label(ended.state), ended.cause) == ("CANCELLED", "cancelled by a user")
    assert checkpoint.newest(Path(ended.run_dir, "checkpoints")) == -1


def test_a_fork_goes_on_from_a_step_of_another_job_with_its_bits_or_with_changes(standing, whole):
    kept = checkpoint.kept(Path(whole.run_dir, "checkpoints"))
    source = standing.client.wait(standing.submit(**standing.slow | {"epochs": EPOCHS, "checkpoint": {"every_steps": 800, "keep": 9}}).id)
    assert checkpoint.kept(Path(source.run_dir, "checkpoints")) == [800, 1600, 1920] and kept == [1920]
    same = standing.client.wait(standing.client.fork(source.id, 800).id)
    other = standing.client.wait(standing.client.fork(source.id, 1600, {"name": "slower", "optimizer": {"adam": {"learning_rate": 1e-5}}}).id)
    assert (same.origin.job_id, same.origin.step, same.digest) == (source.id, 800, whole.digest)
    assert (states.label(other.state), other.spec.name) == ("SUCCEEDED", "slower") and other.digest != whole.digest
    assert [each.first_step for each in (*started(same), *started(other))] == [800, 1600]
    curve, trunk = standing.client.curve(other.id)["loss"], standing.client.curve(source.id)["loss"]
    assert list(curve.steps) == list(range(1600, 1920)) and curve.values[0] == trunk.values[1600]  # the loss before the first update


def test_a_fork_that_cannot_be_is_refused_and_leaves_nothing(standing, whole):
    before = sorted(path.name for path in Path(whole.run_dir).parent.iterdir())
    with pytest.raises(Refusal, match=f"^job {whole.id} has no whole checkpoint of step 7; kept: 1920$"):
        standing.client.fork(whole.id, 7)
    with pytest.raises(InvalidInput, match='^update_mask: unknown field "batch_size"'):
        standing.client.fork(whole.id, changes={"batch_size": 3})
    with pytest.raises(InvalidInput, match="^optimizer: the optimizer keeps nothing, but the checkpoint has "):
        standing.client.fork(whole.id, changes={"optimizer": {"sgd": {"learning_rate": 0.1}}})
    assert {path.name for path in Path(whole.run_dir).parent.iterdir()} <= set(before)


def test_a_job_is_stopped_when_its_time_is_up(standing):
    limited = standing.running(ranks=1, time_limit_s=2)
    late = standing.submit(**standing.slow | {"ranks": 1, "deadline": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 4))})
    for job, cause in ((limited, "it has trained for its time limit of 2 s"), (late, f"its deadline {late.spec.deadline} has come")):
        ended = standing.client.wait(job.id)
        assert (states.label(ended.state), ended.cause) == ("CANCELLED", cause)
