"""Rows of jobs: ids, request ids, pages."""

import math
import random
import time

import pytest

from bptrain.v1.job_service_pb2 import Progress
from bptrain.v1.spec_pb2 import JobSpec
from coordinator.errors import Refusal
from coordinator.jobs import states
from coordinator.store import jobs
from coordinator.views.job import job_view


def ids(rows):
    return [row["id"] for row in rows]


def test_ids_are_unique():
    assert len({jobs.new_id() for _ in range(1000)}) == 1000  # of 20 random bits a millisecond


def test_a_later_id_sorts_behind_an_earlier_one():
    made = []
    for _ in range(20):
        made.append(jobs.new_id())
        time.sleep(0.002)  # ids count milliseconds
    assert made == sorted(made)


def test_an_id_says_when_it_was_given():
    before, made, after = time.time(), jobs.new_id(), time.time()
    assert before - 1e-5 <= jobs.submitted(made) == jobs.submitted(f"{made}-2") <= after


def test_an_id_is_thirteen_characters_that_nobody_confuses():
    made = jobs.new_id()
    assert len(made) == 13 and not made.strip(jobs.ALPHABET)
    assert not set("ilou") & set(jobs.ALPHABET)


def test_a_job_comes_back_as_it_was_added(connection, add_job, small_spec):
    row = jobs.get(connection, add_job(connection, epochs=5))
    assert JobSpec.FromString(row["spec"]) == small_spec(epochs=5)
    assert (row["run_dir"], row["digest"], row["owner"]) == (f"runs/{row['id']}", "", "")


def test_every_job_has_a_token_of_its_own(connection, add_job):
    tokens = {jobs.get(connection, add_job(connection))["token"] for _ in range(10)}
    assert len(tokens) == 10 and min(map(len, tokens)) == 32


def test_an_unknown_job_is_refused(connection):
    with pytest.raises(Refusal, match='^there is no job "nope"; bptrain list shows all$'):
        jobs.get(connection, "nope")


def test_pages_go_from_the_newest_to_the_oldest_without_a_repeat(connection, add_job):
    made = sorted((add_job(connection) for _ in range(7)), reverse=True)
    first = ids(jobs.page(connection, 3, ""))
    second = ids(jobs.page(connection, 3, first[-1]))
    assert first + second + ids(jobs.page(connection, 3, second[-1])) == made


def test_who_waits_is_known_without_counting_whatever_has_happened_to_the_jobs(connection, add_job, small_spec):
    chance = random.Random(7)
    for _ in range(300):
        if chance.random() < 0.5:
            add_job(connection, chance.choice([states.QUEUED, states.RUNNING]), chance.choice(["ann", "bob"]), priority=chance.choice([10, 50]))
        elif rows := connection.execute("SELECT * FROM jobs").fetchall():
            job_id = chance.choice(rows)["id"]
            chance.choice([lambda: jobs.set_state(connection, job_id, states.QUEUED, ""), lambda: jobs.set_state(connection, job_id, states.RUNNING, ""),
                           lambda: jobs.set_spec(connection, job_id, small_spec(priority=chance.choice([10, 50]))), lambda: jobs.purge(connection, job_id)])()
    queue = sorted(connection.execute("SELECT * FROM jobs WHERE state = ?", (states.QUEUED,)).fetchall(), key=lambda row: (-row["priority"], row["id"]))
    assert jobs.waiting(connection) == len(queue) > 20
    assert [jobs.waiting_of(connection, owner) for owner in ("ann", "bob", "eve")] == [sum(row["owner"] == owner for row in queue) for owner in ("ann", "bob", "eve")]
    assert [jobs.place(connection, row) for row in queue] == list(range(1, len(queue) + 1))


def test_jobs_in_some_states_come_in_order_of_submission(connection, add_job):
    wanted = sorted(add_job(connection, state) for state in (states.RUNNING, states.STARTING, states.RUNNING))
    add_job(connection, states.QUEUED), add_job(connection, states.FAILED)
    assert ids(jobs.in_states(connection, states.ACTIVE)) == wanted


def test_progress_is_kept_even_where_it_is_not_a_number(connection, add_job):
    job_id = add_job(connection, states.RUNNING)
    jobs.set_progress(connection, job_id, Progress(step=3, total_steps=9), {"loss": math.nan, "accuracy": 0.5}, "d1")
    job = job_view(connection, jobs.get(connection, job_id))
    assert (job.progress.step, job.progress.total_steps, job.digest, job.latest["accuracy"]) == (3, 9, "d1", 0.5)
    assert math.isnan(job.latest["loss"])
