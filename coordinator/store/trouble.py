"""What SQLite reports about its file → refusals."""

import errno
import sqlite3

from coordinator.errors import Refusal

# A limit on the size of files is met by an error of writing, a full disk sometimes where the index of the log grows.
FULL = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_IOERR_TRUNCATE)
BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
CORRUPT = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def translated(error: Exception) -> Exception:
    """Refusal STORE_FULL, NOT_READY or STORE_CORRUPT; any other as it is."""
    code = getattr(error, "sqlite_errorcode", 0)
    if code in FULL or getattr(error, "errno", 0) == errno.ENOSPC:
        return Refusal("STORE_FULL")
    if code & 0xff in BUSY:  # the upper bits say where
        return Refusal("NOT_READY")
    if code & 0xff in CORRUPT:
        return Refusal("STORE_CORRUPT")
    return error
