"""Time that a job has trained, and the end of it."""

import pytest

from bptrain.v1.job_service_pb2 import Transition
from bptrain.v1.spec_pb2 import JobSpec
from coordinator.jobs import states
from coordinator.jobs.times import trained_s, why_over

# Submitted at 0, trained from 10 to 30 (with a change of labels at 20), paused, trains again from 50 on.
LIFE = [Transition(to=to, time=when) for to, when in (
    (states.QUEUED, 0), (states.STARTING, 5), (states.RUNNING, 10), (states.RUNNING, 20), (states.PAUSING, 30), (states.PAUSED, 31),
    (states.QUEUED, 40), (states.STARTING, 45), (states.RUNNING, 50))]


@pytest.mark.parametrize(("count", "now", "seconds"), [(1, 4, 0), (3, 15, 5), (6, 99, 20), (9, 60, 30)])
def test_only_time_in_the_state_running_counts(count, now, seconds):
    assert trained_s(LIFE[:count], now) == seconds


def test_a_time_limit_counts_all_attempts():
    spec = JobSpec(time_limit_s=25)
    assert why_over(spec, LIFE, 54.9) == ""
    assert why_over(spec, LIFE, 55) == "it has trained for its time limit of 25 s"


def test_a_deadline_is_a_time_of_day_in_utc_unless_it_has_a_zone():
    for text, when in (("1970-01-01T00:01:40", 100), ("1970-01-01T00:01:40Z", 100), ("1970-01-01T01:01:40+01:00", 100)):
        assert why_over(JobSpec(deadline=text), [], when - 1) == ""
        assert why_over(JobSpec(deadline=text), [], when) == f"its deadline {text} has come"


def test_without_limits_a_job_may_train_for_ever():
    assert why_over(JobSpec(), LIFE, 1e12) == ""
