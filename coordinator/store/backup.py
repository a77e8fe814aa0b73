"""Copies of the store, made while it is in use, and the way back from them.

1. A copy is whole or not there: it is checked and on disk before it gets its name.
2. The newest KEPT are kept. A damaged store is never used: it is named, and so is the newest copy.
3. Going back moves the damaged store aside and never overwrites it.
4. What the store counts goes on behind everything that it may have counted since the copy was made: a cursor or an etag from
   then is told from all later ones.
"""

import math
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from bptrain.v1.admin_service_pb2 import Backup
from coordinator.errors import Refusal
from coordinator.store.schema import migrate
from coordinator.store.trouble import translated
from worker.errors import Unavailable

KEPT = 5
EVERY_S = 6 * 3600.0
COMPANIONS = ("", "-wal", "-shm")  # what SQLite keeps beside a store belongs to it


def folder_of(store: Path) -> Path:
    return store.with_name("backups")


def create(store: Path) -> Backup:
    """A new copy. Raises Refusal STORE_FULL or STORE_CORRUPT."""
    folder, (seconds, rest) = folder_of(store), divmod(time.time_ns(), 10**9)
    target = folder / f"store-{time.strftime('%Y%m%dT%H%M%S', time.gmtime(seconds))}-{rest:09d}.db"
    part = target.with_suffix(".part")
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        _copy(store, part)
        os.replace(part, target)
        _sync(folder)
    except (sqlite3.Error, OSError) as error:
        raise translated(error) from None
    finally:
        part.unlink(missing_ok=True)
    for old in [path for path in _files(store) if path != target][KEPT - 1:]:  # a clock may have been set back
        old.unlink()
    return _described(target)


def size_bytes(connection: sqlite3.Connection, store: Path) -> int:
    """Of a copy, if it were made now. Raises the same."""
    if problems(connection):
        raise Refusal("STORE_CORRUPT")
    size = math.prod(connection.execute(f"PRAGMA {each}").fetchone()[0] for each in ("page_count", "page_size"))
    if size > shutil.disk_usage(store.parent).free:
        raise Refusal("STORE_FULL")
    return size


def everyone(store: Path) -> list[Backup]:
    """Newest first."""
    return [_described(path) for path in _files(store)]


def problems(connection: sqlite3.Connection, quick: bool = False) -> list[str]:
    """What is wrong with the whole of a store, in SQLite's words; empty when nothing is. `quick`: without comparing indexes
    with their tables."""
    try:
        rows = connection.execute(f"PRAGMA {'quick_check' if quick else 'integrity_check'}(20)")
        return [found.replace("\n", " ") for found, in rows if found != "ok"]
    except sqlite3.DatabaseError as error:
        return [str(error)]


def damaged(store: Path, what: str) -> Unavailable:
    """The sentence for whoever starts a coordinator on it."""
    newest = next(iter(_files(store)), None)
    way = f"the newest backup is {newest.name}: bptrain backup restore --state {store.parent}" if newest else "and there is no backup of it"
    return Unavailable(f"the store {store} cannot be opened: {what}; {way}")


def restore(store: Path, name: str = "") -> tuple[str, str]:
    """Puts a copy in the store's place, the newest unless named; (the copy's name, where the damaged store is now).
    Raises Unavailable where there is none, or that is damaged, too. Nobody may use the store meanwhile."""
    found = next((path for path in _files(store) if name in ("", path.name)), None)
    if found is None:
        raise Unavailable(f"there is no backup {name} beside the store".replace("  ", " "))
    aside = f"{store.name}.damaged-{time.strftime('%Y%m%dT%H%M%S')}"
    part = store.with_suffix(".part")
    shutil.copyfile(found, part)
    try:
        _count_on(part)
    except sqlite3.DatabaseError as error:
        part.unlink()
        raise Unavailable(f"the backup {found.name} is damaged: {error}; name another one") from None
    _sync(part)
    for companion in COMPANIONS:
        with_it = store.with_name(store.name + companion)
        if with_it.exists():
            os.replace(with_it, store.with_name(aside + companion))
    os.replace(part, store)
    _sync(store.parent)
    return found.name, aside


def _count_on(store: Path) -> None:
    with _opened(store) as connection:
        connection.row_factory = sqlite3.Row
        migrate(connection)
        connection.execute("BEGIN")
        last = connection.execute("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'events'").fetchone()[0]
        now = max(last, time.time_ns() // 1000)  # no store makes a revision a microsecond
        connection.execute("INSERT INTO lost VALUES (?, ?)", (last, now))
        connection.execute("DELETE FROM sqlite_sequence WHERE name = 'events'")
        connection.execute("INSERT INTO sqlite_sequence VALUES ('events', ?)", (now,))
        connection.execute("UPDATE jobs SET version = ?", (now,))
        connection.execute("COMMIT")


def _copy(store: Path, part: Path) -> None:
    os.close(os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600))
    with _opened(store) as source, _opened(part) as copy:
        source.backup(copy, pages=1024)  # in pieces, between which others write
        if problems(copy):
            raise Refusal("STORE_CORRUPT")
        copy.execute("PRAGMA journal_mode = DELETE")  # one file
    _sync(part)


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, timeout=60, isolation_level=None)) as connection:
        yield connection


def _files(store: Path) -> list[Path]:
    return sorted(folder_of(store).glob("store-*.db"), reverse=True)


def _described(path: Path) -> Backup:
    status = path.stat()
    return Backup(name=path.name, size_bytes=status.st_size, time=status.st_mtime)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
