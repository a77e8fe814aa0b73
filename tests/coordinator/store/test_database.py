"""The contract of the store: a write is a transaction, a read is a snapshot, and what was written is there again."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing

import pytest

from coordinator.access.caller import calls, owner
from coordinator.errors import Refusal
from coordinator.store import jobs, writer
from coordinator.store.database import Database

KILLED_WRITER = """
import asyncio, os, signal, sys
from pathlib import Path
from coordinator.store.database import Database

def insert(name, die):
    def work(connection):
        connection.execute("INSERT INTO jobs (id, spec, token, state, cause, run_dir) VALUES (?, x'', '', 1, '', '')", [name])
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


@pytest.fixture
def commits(database, monkeypatch):
    """How many writes each commit had."""
    found, commit = [], writer._commit
    monkeypatch.setattr(writer, "_commit", lambda connection, works: found.append(len(works)) or commit(connection, works))
    return found


def held_up(database, *works):
    """The answers of `works`, all of which wait behind one write."""
    begun, go_on = threading.Event(), threading.Event()

    async def scenario():
        first = asyncio.create_task(database.write(lambda connection: (begun.set(), go_on.wait(30))))
        await asyncio.to_thread(begun.wait, 30)
        others = [asyncio.create_task(database.write(work)) for work in works]
        await asyncio.sleep(0)  # they are in the queue
        go_on.set()
        return await asyncio.gather(first, *others, return_exceptions=True)

    return asyncio.run(scenario())[1:]


def test_writes_that_wait_at_the_same_time_share_a_commit(database, add_job, commits):
    answers = held_up(database, *[add_job] * 20)
    assert commits == [1, 20] and read(database, ids) == sorted(answers)


def test_what_fails_in_a_shared_commit_is_undone_alone(database, add_job, commits):
    def half(connection):
        add_job(connection)
        raise LookupError("half-way")

    first, failed, last = held_up(database, add_job, half, add_job)
    assert commits == [1, 3] and str(failed) == "half-way" and read(database, ids) == sorted([first, last])


def test_a_commit_takes_no_more_than_so_many(database, commits):
    held_up(database, *[lambda connection: None] * (writer.MOST + 10))
    assert commits == [1, writer.MOST, 10]


def test_where_the_commit_fails_nothing_of_it_is_acknowledged_and_nothing_is_stored(database, add_job):
    """A foreign key is only looked at in the end."""

    def orphan(connection):
        connection.execute("PRAGMA defer_foreign_keys = ON")
        connection.execute("INSERT INTO events (job_id, payload) VALUES ('none', x'')")

    answers = held_up(database, add_job, orphan)
    assert [str(answer) for answer in answers] == ["FOREIGN KEY constraint failed"] * 2
    assert read(database, ids) == [] and write(database, add_job) in read(database, ids)


def test_what_nobody_waits_for_is_written_before_the_store_is_closed(path, add_job):
    with closing(Database(path)) as first:
        for _ in range(3):
            first.post(add_job)
    with closing(Database(path)) as second:
        assert len(read(second, ids)) == 3


def test_who_calls_is_known_in_the_threads_of_the_store(database):
    async def scenario():
        calls("alice")
        return await asyncio.gather(database.write(lambda _: owner()), database.read(lambda _: owner()))

    assert asyncio.run(scenario()) == ["alice"] * 2


def test_a_look_sees_what_was_written_before(database, add_job):
    assert write(database, add_job) in database.look(ids)


def test_a_write_whose_caller_has_left_hurts_nobody(database, add_job):
    async def scenario():
        writing = asyncio.create_task(database.write(lambda connection: time.sleep(0.1)))
        await asyncio.sleep(0)
        writing.cancel()
        return await database.write(add_job)

    assert asyncio.run(scenario()) in read(database, ids)


def test_a_full_disk_is_refused_by_name_and_what_was_there_stays(database, add_job):
    before = write(database, add_job)
    size = write(database, lambda connection: connection.execute("PRAGMA page_count").fetchone()[0])
    write(database, lambda connection: connection.execute(f"PRAGMA max_page_count = {size}"))
    with pytest.raises(Refusal, match="^the coordinator's disk is full: nothing new is taken, and jobs that run go on; try again"):
        write(database, lambda connection: [add_job(connection) for _ in range(100)])
    assert read(database, ids) == [before]
    write(database, lambda connection: connection.execute("PRAGMA max_page_count = 1000000"))
    assert write(database, add_job) in read(database, ids)


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
