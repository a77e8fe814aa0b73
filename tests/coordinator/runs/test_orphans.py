"""Ranks that run, and what becomes of a store that does not know it; how they are found: tests/e2e/test_older_store.py."""

import pytest

from bptrain.v1.job_service_pb2 import Failure
from bptrain.v1.plan_pb2 import RunPlan
from coordinator.jobs import folds, states
from coordinator.runs import orphans
from coordinator.store import events, jobs
from worker.record.journal import Journal
from worker.record.rundir import RunDir


@pytest.fixture
def take_in(connection, tmp_path):
    return lambda job_id, spec: orphans._taken_in(connection, RunDir(tmp_path / "world"), RunPlan(job_id=job_id, attempt=3, token="theirs"), spec)


@pytest.mark.parametrize("state", [states.QUEUED, states.PAUSED, states.FAILED, states.CANCELLED], ids=states.label)
def test_the_store_follows_what_runs(connection, add_job, take_in, small_spec, tmp_path, state):
    job_id = add_job(connection, state, ranks=1, priority=7)
    jobs.set_failure(connection, job_id, Failure(step=3))
    jobs.set_deleted(connection, job_id, 1.0, 2.0)
    token = jobs.get(connection, job_id)["token"]
    take_in(job_id, small_spec(ranks=2, priority=3))
    row = jobs.get(connection, job_id)
    assert (row["state"], row["ranks"], row["priority"], row["run_dir"]) == (states.RUNNING, 2, 7, str(tmp_path / "world"))
    assert (row["failure"], row["deleted"], row["purge"], row["token"]) == (b"", 0, 0, token)
    assert [change.cause for change in events.transitions(connection, job_id)] == [orphans.CAUSE]


def test_a_job_that_nobody_knows_is_one_again(connection, take_in, small_spec):
    job_id = jobs.new_id()
    take_in(job_id, small_spec(ranks=2))
    row = jobs.get(connection, job_id)
    assert (row["state"], row["token"], row["owner"], row["name"]) == (states.RUNNING, "theirs", "", "small")
    assert [change.to for change in events.transitions(connection, job_id)] == [states.QUEUED, states.RUNNING]


def test_a_fold_that_nobody_knows_brings_its_job_and_the_other_folds(connection, take_in, small_spec):
    job_id, spec = jobs.new_id(), small_spec(ranks=1, folds=3)
    (first, fold), *others = folds.divided(job_id, spec)
    take_in(first, fold)
    assert [(row["id"], row["state"]) for row in jobs.folds(connection, job_id)] == [(first, states.RUNNING), *((each, states.QUEUED) for each, _ in others)]
    assert (jobs.get(connection, job_id)["state"], jobs.get(connection, job_id)["folds"]) == (states.RUNNING, 3)
    assert jobs.get(connection, first)["token"] == "theirs" != jobs.get(connection, others[0][0])["token"]


def test_what_is_known_to_run_is_left_as_it_is(connection, add_job):
    running, waiting = add_job(connection, states.RUNNING), add_job(connection, states.QUEUED)
    assert [orphans._is_active(connection, each) for each in (running, waiting, "nobody")] == [True, False, False]


def test_ranks_whose_attempt_has_ended_are_on_their_way_out(tmp_path, script):
    folder = RunDir(tmp_path)
    writer = Journal(folder.journal)
    for report in script.started().points(range(3)).ended().reports:
        writer.append(report)
    writer.close()
    assert [orphans._has_ended(folder, RunPlan(attempt=attempt)) for attempt in (1, 2)] == [True, False]
