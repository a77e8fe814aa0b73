"""Copies of the store: whole, named, and what a damaged store is answered with."""

import asyncio
import os
import re
import shutil
import sqlite3
from contextlib import closing

import pytest

from coordinator.errors import Refusal
from coordinator.store import backup
from coordinator.store.database import Database
from worker.errors import Unavailable


@pytest.fixture
def path(tmp_path):
    return tmp_path / "store.db"


@pytest.fixture
def stored(path, add_job):
    """Ids of the jobs in a store that has been closed."""
    with closing(Database(path)) as database:
        return [asyncio.run(database.write(add_job)) for _ in range(40)]


def ids(path):
    with closing(Database(path)) as database:
        return database.look(lambda connection: [row["id"] for row in connection.execute("SELECT id FROM jobs ORDER BY id")])


def test_a_copy_has_what_was_acknowledged_before_it_and_others_write_meanwhile(path, add_job):
    with closing(Database(path)) as database:

        async def scenario():
            before = [await database.write(add_job) for _ in range(5)]
            made, *_ = await asyncio.gather(database.backup(), *(database.write(add_job) for _ in range(20)))
            return before, made

        before, made = asyncio.run(scenario())
    copy = backup.folder_of(path) / made.name
    assert copy.stat().st_size == made.size_bytes and copy.stat().st_mode & 0o077 == 0
    assert os.listdir(copy.parent) == [made.name]
    assert set(before) <= set(ids(copy)) <= set(ids(path))


def test_only_the_newest_copies_are_kept(path, stored):
    made = [backup.create(path).name for _ in range(backup.KEPT + 2)]
    assert [each.name for each in backup.everyone(path)] == made[:1:-1]


def test_names_follow_one_clock_and_a_new_copy_stays_though_that_was_set_back(path, stored, monkeypatch):
    """Seconds and their fraction once came from two looks at it: around a second's end, the newest was taken for the oldest."""
    times = iter([*range(10**18, 10**18 + 10 * 999_999_999, 999_999_999)][:backup.KEPT] + [10**17])
    monkeypatch.setattr(backup.time, "time_ns", lambda: next(times))
    made = [backup.create(path).name for _ in range(backup.KEPT + 1)]
    assert made[:-1] == sorted(made[:-1]) and [each.name for each in backup.everyone(path)] == [*made[-2:0:-1], made[-1]]


DAMAGES = {
    "cut": lambda data: data[:len(data) // 2],
    "a page of zeros": lambda data: data[:8192] + bytes(4096) + data[12288:],
    "no database": lambda data: b"no database" * 100,
    "the head": lambda data: b"\xff" * 64 + data[64:],
    "flipped bytes": lambda data: data[:4096] + bytes(byte ^ 0xff for byte in data[4096:4196]) + data[4196:],
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_store_is_refused_by_name_and_the_newest_copy_is_the_way_back(path, stored, damage):
    made = backup.create(path)
    damaged = damage(path.read_bytes())
    path.write_bytes(damaged)
    said = rf"^the store {re.escape(str(path))} cannot be opened: .+; the newest backup is {made.name}: bptrain backup restore --state {path.parent}$"
    with pytest.raises(Unavailable, match=said):
        Database(path)
    assert path.read_bytes() == damaged  # nothing is repaired in silence, nothing is emptied
    found, aside = backup.restore(path)
    assert found == made.name and path.with_name(aside).read_bytes() == damaged
    assert ids(path) == stored


def test_an_etag_from_before_the_way_back_fits_no_job(path, stored, add_job):
    """The job may have been changed as often as before, but otherwise."""
    def etags(work):
        with closing(Database(path)) as database:
            return {row["version"] for row in asyncio.run(database.write(work)).execute("SELECT version FROM jobs").fetchall()}

    backup.create(path)
    seen = etags(lambda connection: connection.execute("UPDATE jobs SET version = version + 7") and connection)
    backup.restore(path)
    assert not seen & etags(lambda connection: connection)


def test_a_damaged_copy_is_refused_by_name_and_nothing_is_touched(path, stored):
    made = backup.create(path)
    copy = backup.folder_of(path) / made.name
    copy.write_bytes(DAMAGES["the head"](copy.read_bytes()))
    before = path.read_bytes()
    with pytest.raises(Unavailable, match=f"^the backup {made.name} is damaged: .*; name another one$"):
        backup.restore(path)
    assert path.read_bytes() == before and not path.with_suffix(".part").exists()


def test_without_a_copy_there_is_no_way_back(path):
    with pytest.raises(Unavailable, match="^there is no backup beside the store$"):
        backup.restore(path)
    with pytest.raises(Unavailable, match="^there is no backup x beside the store$"):
        backup.restore(path, "x")


def test_a_damaged_store_is_not_copied_over_good_copies(path, stored):
    good = backup.create(path)
    path.write_bytes(DAMAGES["a page of zeros"](path.read_bytes()))
    with pytest.raises(Refusal) as caught:
        backup.create(path)
    assert caught.value.reason == "STORE_CORRUPT"
    assert os.listdir(backup.folder_of(path)) == [good.name]


def size(path):
    with closing(sqlite3.connect(path)) as connection:
        return backup.size_bytes(connection, path)


def test_how_large_a_copy_would_be_is_known_before_it_is_made(path, stored):
    assert size(path) == backup.create(path).size_bytes


def test_no_room_for_a_copy_is_said_before_it_is_made(path, stored, monkeypatch):
    room = shutil.disk_usage(path.parent)._replace(free=path.stat().st_size - 1)
    monkeypatch.setattr(backup.shutil, "disk_usage", lambda folder: room)
    with pytest.raises(Refusal) as caught:
        size(path)
    assert caught.value.reason == "STORE_FULL"


def test_that_a_damaged_store_cannot_be_copied_is_said_before(path, stored):
    path.write_bytes(DAMAGES["a page of zeros"](path.read_bytes()))
    with pytest.raises(Refusal) as caught:
        size(path)
    assert caught.value.reason == "STORE_CORRUPT"


def test_a_check_says_what_is_wrong(path, stored):
    with closing(Database(path)) as database:
        assert asyncio.run(database.check())[0] == []
    shutil.copy(path, path.with_name("other.db"))
    with closing(sqlite3.connect(path.with_name("other.db"))) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_master SET rootpage = 3 WHERE name = 'jobs_by_queue'")
        connection.commit()
    with closing(sqlite3.connect(path.with_name("other.db"))) as connection:
        assert backup.problems(connection)
