"""Ranks on the line: who may call, and where commands go."""

import asyncio
from contextlib import closing

import pytest

from bptrain.v1.worker_service_pb2 import Hello
from coordinator.errors import Refusal
from coordinator.jobs import states
from coordinator.runs.sessions import Sessions
from coordinator.store import jobs
from coordinator.store.database import Database


@pytest.fixture
def database(tmp_path):
    with closing(Database(tmp_path / "store.db")) as opened:
        yield opened


@pytest.fixture
def hello(database, add_job):
    """As the job's own ranks say it."""
    job_id = asyncio.run(database.write(lambda connection: add_job(connection, states.RUNNING)))
    token = asyncio.run(database.read(lambda connection: jobs.get(connection, job_id)))["token"]
    return Hello(job_id=job_id, attempt=1, token=token)


@pytest.fixture
def sessions(database):
    return Sessions(database)


def call(sessions, hello):
    return asyncio.run(sessions.open(hello))


def causes(commands):
    return [commands.get_nowait().stop.cause for _ in range(commands.qsize())]


def test_a_command_reaches_the_ranks(sessions, hello):
    commands = call(sessions, hello)
    assert sessions.stop(hello.job_id, "enough") is True
    assert causes(commands) == ["enough"]


def test_ranks_that_are_not_on_the_line_cannot_be_told(sessions, hello):
    assert sessions.stop(hello.job_id, "enough") is False


def test_ranks_that_have_hung_up_cannot_be_told(sessions, hello):
    commands = call(sessions, hello)
    sessions.close(hello.job_id, commands)
    assert sessions.stop(hello.job_id, "enough") is False


def test_the_newest_call_of_a_job_gets_its_commands(sessions, hello):
    old, new = call(sessions, hello), call(sessions, hello)
    sessions.close(hello.job_id, old)  # the broken one ends late
    assert sessions.stop(hello.job_id, "enough") is True
    assert (causes(old), causes(new)) == ([], ["enough"])


@pytest.mark.parametrize("token", ["", "wrong", "ünïcode"])
def test_ranks_with_another_token_are_fenced(sessions, hello, token):
    stranger = Hello(job_id=hello.job_id, attempt=2, token=token)
    with pytest.raises(Refusal, match=f"^attempt 2 of job {hello.job_id} is not the one that runs$"):
        call(sessions, stranger)
    assert sessions.stop(hello.job_id, "enough") is False


def test_ranks_of_a_job_that_is_not_there_are_fenced_alike(sessions, hello):
    """Nobody learns from it which jobs there are."""
    with pytest.raises(Refusal, match="^attempt 1 of job nope is not the one that runs$") as caught:
        call(sessions, Hello(job_id="nope", attempt=1, token=hello.token))
    assert caught.value.reason == "ATTEMPT_FENCED"
