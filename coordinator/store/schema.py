"""The tables, as numbered steps. A step that has been released is never edited; a change is a new step: SQL, or a
function that moves rows."""

import sqlite3

from coordinator.store import jobs, points
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
    """
    CREATE TABLE requests (               -- calls that changed something, by the id that their caller gave them
        id TEXT PRIMARY KEY,
        method TEXT NOT NULL,
        body BLOB NOT NULL,               -- SHA-256
        job_id TEXT NOT NULL,
        response BLOB NOT NULL,           -- Job, as the caller was answered
        time REAL NOT NULL
    ) STRICT;
    CREATE INDEX requests_by_time ON requests (time);
    ALTER TABLE jobs DROP COLUMN submitted_spec;                     -- the table requests knows calls now, request_id is NULL
    ALTER TABLE jobs ADD COLUMN name TEXT NOT NULL DEFAULT '';       -- these five are the spec's, to search by
    ALTER TABLE jobs ADD COLUMN labels TEXT NOT NULL DEFAULT '{}';   -- JSON
    ALTER TABLE jobs ADD COLUMN priority INTEGER NOT NULL DEFAULT 50;
    ALTER TABLE jobs ADD COLUMN ranks INTEGER NOT NULL DEFAULT 1;
    ALTER TABLE jobs ADD COLUMN deadline REAL NOT NULL DEFAULT 0;    -- Unix seconds; 0 for none
    ALTER TABLE jobs ADD COLUMN owner TEXT NOT NULL DEFAULT '';      -- the token's name
    ALTER TABLE jobs ADD COLUMN version INTEGER NOT NULL DEFAULT 1;  -- rises with every change of state or spec
    ALTER TABLE jobs ADD COLUMN origin_job TEXT NOT NULL DEFAULT ''; -- what it was forked from
    ALTER TABLE jobs ADD COLUMN origin_step INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE jobs ADD COLUMN deleted REAL NOT NULL DEFAULT 0;     -- when; 0 while it is not
    ALTER TABLE jobs ADD COLUMN purge REAL NOT NULL DEFAULT 0;       -- when its rows and its folder go
    ALTER TABLE jobs ADD COLUMN tries INTEGER NOT NULL DEFAULT 0;    -- by the spec's retry policy, so far
    ALTER TABLE jobs ADD COLUMN not_before REAL NOT NULL DEFAULT 0;  -- of the next try
    ALTER TABLE jobs ADD COLUMN failure BLOB NOT NULL DEFAULT x'';   -- Failure
    CREATE INDEX jobs_by_queue ON jobs (state, priority, id);
    CREATE INDEX jobs_by_deadline ON jobs (deadline) WHERE deadline > 0;
    CREATE INDEX jobs_by_purge ON jobs (purge) WHERE purge > 0;
    CREATE INDEX transitions ON events (revision) WHERE sequence IS NULL;
    """,
    jobs.fill_columns,
    """
    ALTER TABLE jobs ADD COLUMN folds INTEGER NOT NULL DEFAULT 0;    -- that it is trained in, each a job; such a one never has ranks
    DROP INDEX jobs_by_queue;
    CREATE INDEX jobs_by_queue ON jobs (state, priority, id) WHERE folds = 0;
    """,
    """
    CREATE TABLE purged (                 -- one row
        revision INTEGER NOT NULL         -- newest change of a job that was removed for good; 0 where none was
    ) STRICT;
    INSERT INTO purged VALUES (0);
    """,
    "ALTER TABLE requests RENAME COLUMN job_id TO target;",  # tokens and copies of the store are made by calls, too
    """
    CREATE TABLE lost (                   -- a row for each time that the store was put back to a copy (backup.py)
        behind INTEGER NOT NULL,          -- revisions behind this one
        last INTEGER NOT NULL             -- up to this one were given, if at all, before; never again
    ) STRICT;
    """,
    f"""
    CREATE TABLE waiting (                -- how many jobs wait, so that nobody has to count them
        owner TEXT NOT NULL,
        priority INTEGER NOT NULL,
        jobs INTEGER NOT NULL,
        PRIMARY KEY (owner, priority)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO waiting SELECT owner, priority, count(*) FROM jobs WHERE {jobs.waits('jobs')} GROUP BY owner, priority;
    CREATE TRIGGER job_waits AFTER INSERT ON jobs WHEN {jobs.waits('new')} BEGIN
        INSERT INTO waiting VALUES (new.owner, new.priority, 1) ON CONFLICT DO UPDATE SET jobs = jobs + 1;
    END;
    CREATE TRIGGER job_changes AFTER UPDATE OF state, folds, owner, priority ON jobs WHEN {jobs.waits('old')} OR {jobs.waits('new')} BEGIN
        UPDATE waiting SET jobs = jobs - 1 WHERE owner = old.owner AND priority = old.priority AND {jobs.waits('old')};
        INSERT INTO waiting SELECT new.owner, new.priority, 1 WHERE {jobs.waits('new')} ON CONFLICT DO UPDATE SET jobs = jobs + 1;
    END;
    CREATE TRIGGER job_goes AFTER DELETE ON jobs WHEN {jobs.waits('old')} BEGIN
        UPDATE waiting SET jobs = jobs - 1 WHERE owner = old.owner AND priority = old.priority;
    END;
    """,
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
