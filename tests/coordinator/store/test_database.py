"""The contract of the store: a write is a transaction, a read is a snapshot, and what was written is there again."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from contextlib import closing

import pytest

from coordinator.store import jobs
from coordinator.store.database import Database

KILLED_WRITER = """
import asyncio, os, signal, sys
from pathlib import Path
from coordinator.store.database import Database

def insert(name, die):
    def work(connection):
        connection.execute("INSERT INTO jobs (id, spec, submitted_spec, token, state, cause, run_dir) VALUES (?, x'', x'', '', 1, '', '')", [name])
        if die:
            os.kill(os.getpid(), signal.SIGKILL)
    return work

database = Database(Path(sys.argv[1]))
asyncio.run(database.write(insert("written", False)))
asyncio.run(database.write(insert("cut off", True)))
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "store.db"


@pytest.fixture
def database(path):
    with closing(Database(path)) as opened:
        yield opened


def write(database, work):
    return asyncio.run(database.write(work))


def read(database, work):
    return asyncio.run(database.read(work))


def ids(connection):
    return [row["id"] for row in connection.execute("SELECT id FROM jobs ORDER BY id")]


def test_a_write_hands_back_what_the_work_returns_and_a_read_sees_it(database, add_job):
    job_id = write(database, add_job)
    assert read(database, ids) == [job_id]


def test_an_exception_rolls_the_whole_write_back(database, add_job):
    def work(connection):
        add_job(connection)
        raise LookupError("half-way")

    with pytest.raises(LookupError, match="half-way"):
        write(database, work)
    assert read(database, ids) == []


def test_a_write_works_after_one_that_failed(database, add_job):
    with pytest.raises(ZeroDivisionError):
        write(database, lambda connection: 1 / 0)
    assert read(database, ids) == [] and write(database, add_job) in read(database, ids)


def test_a_read_sees_one_snapshot_while_others_write(database, add_job):
    begun, go_on = threading.Event(), threading.Event()

    def twice(connection):
        first = ids(connection)
        begun.set()
        return first, go_on.wait(30), ids(connection)

    async def scenario():
        reading = asyncio.create_task(database.read(twice))
        await asyncio.to_thread(begun.wait, 30)
        await database.write(add_job)
        go_on.set()
        return await reading

    assert asyncio.run(scenario()) == ([], True, [])
    assert len(read(database, ids)) == 1


def test_a_read_changes_nothing(database, add_job):
    read(database, add_job)
    assert read(database, ids) == []


def test_writes_run_one_after_the_other(database, add_job):
    async def scenario():
        return await asyncio.gather(*(database.write(lambda connection: len(ids(connection)) or add_job(connection)) for _ in range(20)))

    assert len([result for result in asyncio.run(scenario()) if result != 1]) == 1


def test_a_reopened_store_has_everything(path, add_job):
    with closing(Database(path)) as first:
        written = [write(first, add_job) for _ in range(3)]
    with closing(Database(path)) as second:
        assert read(second, ids) == sorted(written)
        assert read(second, lambda connection: jobs.get(connection, written[0])["run_dir"]) == f"runs/{written[0]}"


def test_a_killed_coordinator_loses_nothing_that_was_written_and_keeps_nothing_half(path):
    killed = subprocess.run([sys.executable, "-c", KILLED_WRITER, path], timeout=60)
    assert killed.returncode == -signal.SIGKILL
    with closing(Database(path)) as reopened:
        assert read(reopened, ids) == ["written"]


def test_closing_leaves_no_thread_and_no_log_behind(path):
    before = threading.enumerate()
    Database(path).close()
    assert set(threading.enumerate()) <= set(before)
    assert os.listdir(path.parent) == ["store.db"]
