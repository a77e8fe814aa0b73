"""What is due by the clock: deleted jobs go for good; failed ones are tried again, as often as their policy says."""

from pathlib import Path

import pytest

from bptrain.v1.job_service_pb2 import Failure
from coordinator.errors import Refusal
from coordinator.jobs import states
from coordinator.jobs.states import Event
from coordinator.limits import Limits
from coordinator.store import events, jobs, retries
from tests.coordinator.conftest import wait_until

NOW = 1000.0


def test_a_deleted_job_is_removed_with_all_that_it_left_when_its_time_is_up(serving, small):
    with serving(slots=1, limits=Limits(deleted_s=0)) as (_, client):
        kept, gone = (client.wait(client.submit(small(ranks=1, epochs=1)).id) for _ in range(2))
        client.delete(gone.id)
        wait_until(lambda: gone.id not in [job.id for job in client.list(show_deleted=True)])
        with pytest.raises(Refusal, match=f'^there is no job "{gone.id}"'):
            client.get(gone.id)
        assert (Path(gone.run_dir).exists(), Path(kept.run_dir).exists()) == (False, True)
        assert client.curve(kept.id)["loss"].total_points == 8


def state(connection, job_id):
    return states.label(jobs.get(connection, job_id)["state"])


def test_a_job_is_put_off_as_often_as_its_policy_says_and_then_fails(connection, add_job):
    job_id = add_job(connection, states.STARTING, retry={"times": 2, "wait_s": 10, "factor": 3})
    for tries, wait_s in ((1, 10), (2, 30)):
        retries.fail(connection, job_id, Event.LAUNCH_FAILED, "no mpirun", NOW)
        row = jobs.get(connection, job_id)
        assert (state(connection, job_id), row["tries"], row["not_before"]) == ("QUEUED", tries, NOW + wait_s)
        assert events.transitions(connection, job_id)[-1].cause == f"no mpirun; tried again in {wait_s} s"
        jobs.set_state(connection, job_id, states.STARTING, "")
    retries.fail(connection, job_id, Event.LAUNCH_FAILED, "no mpirun", NOW)
    assert state(connection, job_id) == "FAILED"
    assert Failure.FromString(jobs.get(connection, job_id)["failure"]).cause == "no mpirun"


@pytest.mark.parametrize(("before", "after"), [(states.CANCELLING, "CANCELLED"), (states.PAUSING, "PAUSED")])
def test_what_was_asked_to_end_is_not_tried_again_and_says_who_asked(connection, add_job, before, after):
    job_id = add_job(connection, before, retry={"times": 2})
    jobs.set_state(connection, job_id, before, "asked by alice")
    retries.fail(connection, job_id, Event.RANKS_GONE, "exit status 1", NOW)
    assert (state(connection, job_id), jobs.get(connection, job_id)["cause"]) == (after, "asked by alice")
