"""The tables, as numbered steps. A step that has been released is never edited; a change is a new step: SQL, or a
function that moves rows."""

import sqlite3

from coordinator.store import points
from worker.errors import Unavailable

STEPS = [
    """
    CREATE TABLE jobs (
        id TEXT PRIMARY KEY,              -- sorts by time of submission
        request_id TEXT UNIQUE,           -- of the submitting call; NULL when it gave none
        spec BLOB NOT NULL,               -- JobSpec, defaults filled in
        submitted_spec BLOB NOT NULL,     -- JobSpec as it came, to compare repeated calls
        token TEXT NOT NULL,              -- of the newest attempt
        state INTEGER NOT NULL,           -- JobState
        cause TEXT NOT NULL,              -- of the newest transition
        run_dir TEXT NOT NULL,
        digest TEXT NOT NULL DEFAULT '',
        progress BLOB NOT NULL DEFAULT x'',   -- Progress
        latest TEXT NOT NULL DEFAULT '{}'     -- JSON: series → newest value
    ) STRICT;
    CREATE INDEX jobs_by_state ON jobs (state);
    CREATE TABLE events (
        revision INTEGER PRIMARY KEY AUTOINCREMENT,   -- the order of everything; what cursors count
        job_id TEXT NOT NULL REFERENCES jobs (id),
        sequence INTEGER,                 -- of a Report; NULL for a Transition
        payload BLOB NOT NULL,            -- Report or Transition
        UNIQUE (job_id, sequence)
    ) STRICT;
    CREATE INDEX events_by_job ON events (job_id, revision);
    """,
    """
    CREATE TABLE tokens (
        name TEXT PRIMARY KEY,            -- never given away a second time, so no row is ever deleted
        hash BLOB NOT NULL UNIQUE,        -- SHA-256 of the secret, which is nowhere
        scope INTEGER NOT NULL,           -- Scope
        created REAL NOT NULL,
        expires REAL NOT NULL,
        revoked REAL NOT NULL DEFAULT 0   -- 0 while it is not
    ) STRICT;
    CREATE TABLE audit (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        time REAL NOT NULL,
        who TEXT NOT NULL,
        method TEXT NOT NULL,
        target TEXT NOT NULL,
        request_id TEXT NOT NULL,
        outcome TEXT NOT NULL             -- empty until the call is done
    ) STRICT;
    """,
    """
    CREATE TABLE series (
        id INTEGER PRIMARY KEY,
        job_id TEXT NOT NULL REFERENCES jobs (id),
        name TEXT NOT NULL,
        points INTEGER NOT NULL,          -- in all its blocks
        loose INTEGER NOT NULL,           -- in those that are not whole yet
        last_step INTEGER NOT NULL,
        last_value BLOB NOT NULL,         -- a float64, since SQLite has no not-a-number
        UNIQUE (job_id, name)
    ) STRICT;
    CREATE TABLE blocks (                 -- points of one series, ascending by step; what is here is enough to draw from afar
        id INTEGER PRIMARY KEY,
        series_id INTEGER NOT NULL REFERENCES series (id),
        first_step INTEGER NOT NULL,
        last_step INTEGER NOT NULL,
        points INTEGER NOT NULL,
        low_step INTEGER NOT NULL,        -- where the least number is
        low REAL,                         -- NULL where no value is a number
        high_step INTEGER NOT NULL,
        high REAL
    ) STRICT;
    CREATE UNIQUE INDEX blocks_by_step ON blocks (series_id, first_step);
    CREATE TABLE block_points (
        id INTEGER PRIMARY KEY REFERENCES blocks (id),
        steps BLOB NOT NULL,              -- int64; empty where each is one behind the one before
        times BLOB NOT NULL,              -- float64
        numbers BLOB NOT NULL             -- float64
    ) STRICT;
    """,
    points.gather,
]


def migrate(connection: sqlite3.Connection) -> None:
    """Brings the store to the newest version. Raises Unavailable when it is newer than this program."""
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > len(STEPS):
        raise Unavailable(f"the store is of version {version}, this bptrain knows up to {len(STEPS)}; use a newer bptrain")
    for number, step in enumerate(STEPS[version:], start=version + 1):
        if isinstance(step, str):
            connection.executescript(f"BEGIN IMMEDIATE; {step} PRAGMA user_version = {number}; COMMIT;")
        else:
            connection.execute("BEGIN IMMEDIATE")
            step(connection)
            connection.execute(f"PRAGMA user_version = {number}")
            connection.execute("COMMIT")
