"""Opening the file: made from nothing, kept as it is, or refused with a sentence."""

import asyncio
import re
import sqlite3
import stat
import threading
from contextlib import closing

import pytest

from coordinator.store.database import Database
from coordinator.store.schema import STEPS, migrate
from worker.errors import Unavailable


TABLES = ["audit", "block_points", "blocks", "events", "jobs", "lost", "purged", "requests", "series", "tokens", "waiting"]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "store.db"


def tables(connection):
    rows = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
    return sorted(name for name, in rows)


def pragma(path, name):
    """As the coordinator's own connections have it."""
    with closing(Database(path)) as database:
        return asyncio.run(database.read(lambda connection: connection.execute(f"PRAGMA {name}").fetchone()[0]))


def test_an_empty_file_becomes_a_store_of_the_newest_version(path):
    Database(path).close()
    with closing(sqlite3.connect(path)) as connection:
        assert tables(connection) == TABLES
        assert connection.execute("PRAGMA user_version").fetchone()[0] == len(STEPS)


def test_a_store_is_for_its_owner_alone(path):
    with closing(Database(path)):
        assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}


def test_migrating_again_changes_nothing(connection):
    before = list(connection.iterdump())
    migrate(connection)
    assert list(connection.iterdump()) == before


@pytest.mark.parametrize(("name", "value"), [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1)])
def test_the_store_is_opened_durably_and_readable_while_written(path, name, value):
    assert pragma(path, name) == value


def test_an_event_of_no_job_is_refused(path):
    with closing(Database(path)) as database, pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        asyncio.run(database.write(lambda connection: connection.execute("INSERT INTO events (job_id, payload) VALUES ('none', x'')")))


def test_a_store_of_a_newer_bptrain_is_refused_by_its_version(path):
    newer = len(STEPS) + 6
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {newer}")
    with pytest.raises(Unavailable, match=f"^the store is of version {newer}, this bptrain knows up to {len(STEPS)}; use a newer bptrain$"):
        Database(path)


def test_a_file_that_is_no_store_is_refused_with_a_sentence(path):
    path.write_bytes(b"this is a diary, not a database" * 100)
    with pytest.raises(Unavailable, match=f"^the store {re.escape(str(path))} cannot be opened: file is not a database; and there is no backup of it$"):
        Database(path)


def test_a_folder_in_its_place_is_refused_with_a_sentence(path):
    path.mkdir()
    with pytest.raises(Unavailable, match=f"^the store {re.escape(str(path))} cannot be opened: unable to open database file$"):
        Database(path)


def test_a_refused_store_is_left_as_it_was_and_leaves_no_thread(path):
    before = threading.enumerate()
    path.write_bytes(b"this is a diary, not a database" * 100)
    with pytest.raises(Unavailable):
        Database(path)
    assert path.read_bytes() == b"this is a diary, not a database" * 100
    assert set(threading.enumerate()) <= set(before)


def test_a_step_that_fails_leaves_the_version_before_it(connection, monkeypatch):
    monkeypatch.setattr("coordinator.store.schema.STEPS", [*STEPS, "CREATE TABLE extra (a INTEGER) STRICT; CREATE TABLE jobs (again INTEGER);"])
    with pytest.raises(sqlite3.OperationalError, match="jobs already exists"):
        migrate(connection)
    connection.execute("ROLLBACK")  # as closing the connection would
    assert tables(connection) == TABLES
    assert connection.execute("PRAGMA user_version").fetchone()[0] == len(STEPS)
