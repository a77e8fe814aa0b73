"""A stored job as users see it."""

import pytest

from bptrain.v1.job_service_pb2 import Progress
from coordinator.jobs import states
from coordinator.jobs.states import Event
from coordinator.store import jobs, lifecycle
from coordinator.views.job import job_view


def view(connection, job_id, brief=False):
    return job_view(connection, jobs.get(connection, job_id), brief)


def test_a_job_shows_what_was_stored(connection, add_job, small_spec):
    job = view(connection, add_job(connection, states.RUNNING))
    assert (job.spec, job.state, job.run_dir) == (small_spec(), states.RUNNING, f"runs/{job.id}")


def test_waiting_jobs_are_numbered_in_the_order_of_submission(connection, add_job):
    waiting = sorted(add_job(connection) for _ in range(3))
    running = add_job(connection, states.RUNNING)
    assert [view(connection, job_id).queue_position for job_id in waiting] == [1, 2, 3]
    assert view(connection, running).queue_position == 0


def test_the_history_stands_in_one_job_and_not_in_lists(connection, add_job):
    job_id = add_job(connection)
    lifecycle.move(connection, job_id, Event.CANCEL_ASKED, "enough")
    assert [change.cause for change in view(connection, job_id).transitions] == ["enough"]
    assert not view(connection, job_id, brief=True).transitions
    assert view(connection, job_id, brief=True).cause == "enough"


@pytest.mark.parametrize(("state", "speed"), [(states.RUNNING, 99), (states.CANCELLING, 99), *((state, 0) for state in states.FINAL)])
def test_a_job_that_has_ended_has_no_speed_and_no_time_left(connection, add_job, state, speed):
    job_id = add_job(connection, state)
    jobs.set_progress(connection, job_id, Progress(step=5, total_steps=9, samples_s=99, left_s=99), {}, "")
    progress = view(connection, job_id).progress
    assert (progress.samples_s, progress.left_s, progress.step) == (speed, speed, 5)
