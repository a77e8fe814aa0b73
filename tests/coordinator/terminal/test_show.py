"""What `bptrain show` says of a job."""

import pytest

from bptrain.v1.job_service_pb2 import Failure, Job
from coordinator.cli.show import facts
from coordinator.jobs import states


@pytest.mark.parametrize(("failure", "where"), [
    (Failure(rank=1, host="a", step=7, cause="killed", next_action="try again"), "rank 1 on a, step 7"),
    (Failure(rank=0, step=7, cause="killed", next_action="try again"), "rank 0, step 7"), (Failure(step=7, cause="killed", next_action="try again"), "step 7")])
def test_a_failure_is_told_once_with_its_place_and_what_to_do(failure, where):
    told = facts(Job(id="j1", state=states.FAILED, cause="killed", failure=failure))
    assert told[1:5] == [("state", "FAILED"), ("failure", "killed"), ("where", where), ("next", "try again")]


def test_a_job_that_waits_says_why_and_where():
    told = dict(facts(Job(id="j1", state=states.QUEUED, cause="submitted", queue_position=2, waiting_reason="1 of 8 slot(s) are free; it needs 2")))
    assert (told["state"], told["queue"]) == ("QUEUED: submitted", "place 2: 1 of 8 slot(s) are free; it needs 2")
