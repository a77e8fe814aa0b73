"""A job with folds in a coordinator: a job each, as slots allow; one job to look at, pause and try again."""

import statistics

import pytest
from click.testing import CliRunner

from bpcore.errors import InvalidInput
from coordinator.cli import bptrain
from coordinator.errors import Refusal
from coordinator.jobs import states


@pytest.fixture(scope="module")
def folded(small):
    """`folded(…)`: a job of three folds."""

    def make(**replaced):
        return small(data={"train": {"npz": {"path": "train.npz"}}}, folds=3, ranks=1, **replaced)

    return make


@pytest.fixture(scope="module")
def done(serving, folded):
    """(server, client, such a job when it has ended)."""
    with serving(slots=2) as (server, client):
        job = client.wait(client.submit(folded(checkpoint={"keep_best": True})).id)
        yield server, client, job


def labels(job):
    return [states.label(fold.state) for fold in job.folds]


def test_each_fold_is_a_job_and_the_job_has_ended_well_when_all_have(done):
    _, client, job = done
    assert (states.label(job.state), job.cause, labels(job)) == ("SUCCEEDED", "all 3 folds have succeeded", ["SUCCEEDED"] * 3)
    each = [client.get(fold.job_id) for fold in job.folds]
    assert [(one.spec.fold, one.spec.folds) for one in each] == [(1, 3), (2, 3), (3, 3)]
    assert len({one.digest for one in each}) == 3 and job.progress.step == sum(one.progress.total_steps for one in each)


def test_mean_and_deviation_are_over_the_best_evaluation_of_each_fold(done):
    _, client, job = done
    best = []
    for fold in job.folds:
        curves = client.curve(fold.job_id)
        best.append(curves["eval_accuracy"].values[list(curves["eval_loss"].values).index(min(curves["eval_loss"].values))])
    assert [fold.evaluation["eval_accuracy"] for fold in job.folds] == best
    assert job.latest["eval_accuracy"] == statistics.fmean(best) and job.deviation["eval_accuracy"] == statistics.stdev(best)


def test_the_folds_trained_at_the_same_time_where_there_were_slots(done):
    _, client, job = done
    first, second, _ = (client.get(fold.job_id).transitions for fold in job.folds)
    assert min(change.time for change in second if change.to == states.STARTING) < first[-1].time


def test_a_list_has_the_job_and_its_folds_where_asked_for(done):
    _, client, job = done
    assert [each.id for each in client.list()] == [job.id]
    assert sorted(each.id for each in client.list(f"fold_of = {job.id}")) == [fold.job_id for fold in job.folds]


def test_the_job_has_the_curves_of_its_folds(done):
    _, client, job = done
    assert {curve.job_id for curve in client.curves([job.id], ["eval_loss"])} == {fold.job_id for fold in job.folds}


@pytest.mark.parametrize(("words", "shown"), [
    (["show"], "mean ± deviation"), (["watch"], "fold 3: SUCCEEDED"), (["curve", "--format", "csv"], "eval_loss of fold 2,"),
    (["curve", "--format", "chart"], "eval_loss of fold 3"), (["list"], "SUCCEEDED")])
def test_commands_show_all_folds(done, words, shown):
    server, _, job = done
    result = CliRunner().invoke(bptrain, [*words, *([] if words == ["list"] else [job.id]), "--coordinator", server.address], catch_exceptions=False)
    assert result.exit_code == 0 and shown in result.stdout


@pytest.mark.parametrize("ask", [lambda client, job_id: client.fork(job_id), lambda client, job_id: client.resize(job_id, 2),
                                 lambda client, job_id: client.launch_line(job_id), lambda client, job_id: list(client.predict(job_id))],
                         ids=["fork", "resize", "launch", "predict"])
def test_what_only_ranks_can_do_is_referred_to_the_folds(done, ask):
    _, client, job = done
    with pytest.raises(Refusal, match=f"trained in folds; ask for one of these: {job.id}-1, {job.id}-2, {job.id}-3$") as refused:
        ask(client, job.id)
    assert refused.value.reason == "IN_FOLDS"


def test_a_job_in_folds_waits_is_paused_cancelled_and_tried_again_as_one(serving, folded, endless):
    with serving(slots=1) as (_, client):
        busy = client.submit(endless(ranks=1)).id
        job = client.submit(folded()).id
        assert states.label(client.get(job).state) == "QUEUED" and len(client.queue().waiting) == 3
        assert labels(client.pause(job)) == ["PAUSED"] * 3 and states.label(client.get(job).state) == "PAUSED"
        assert labels(client.resume(job)) == ["QUEUED"] * 3
        assert {client.get(fold.job_id).spec.priority for fold in client.update(job, priority=70).folds} == {70}
        client.cancel(client.get(job).folds[1].job_id)
        assert labels(client.get(job)) == ["QUEUED", "CANCELLED", "QUEUED"]
        assert labels(client.cancel(job)) == ["CANCELLED"] * 3 and states.label(client.get(job).state) == "CANCELLED"
        assert labels(client.retry(job)) == ["QUEUED"] * 3 and states.label(client.get(job).state) == "QUEUED"
        client.delete(job, force=True)
        assert [each.id for each in client.list()] == [busy] and not list(client.list(f"fold_of = {job}"))
        assert labels(client.undelete(job)) == ["CANCELLED"] * 3


def test_a_job_that_cannot_be_folded_is_refused_whole(done, folded):
    _, client, _ = done
    with pytest.raises(InvalidInput, match="^folds: expected at most 512, the number of samples, got 1000$"):
        client.submit(folded() | {"folds": 1000})
