"""What was found out about a file by reading all of it: once a host, not once a rank and start.

1. A file is the same while its place, inode, size and times are. One that was written a moment ago may change without a sign,
   so nothing is kept of it.
2. Of processes that want to know at the same time, one reads and the others wait for it.
"""

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from worker.data import cache

SETTLED_S = 2.0
KEPT_S = 30 * 86_400.0


def of(path: Path, look: Callable[[], Any]) -> Any:
    """What `look` returns, as JSON has it: now, or when somebody looked before. What it raises is not kept."""
    stamp = _stamp(path)
    try:
        place = cache.folder("known") / hashlib.sha256(json.dumps([str(path), *stamp]).encode()).hexdigest()[:32]
        file = open(place, "a+")  # noqa: SIM115: closed below, as what `look` raises is not ours
    except OSError:
        return look()
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        with suppress(ValueError):  # nothing yet, or not to its end
            return json.loads(file.read())
        found = look()
        if _stamp(path) == stamp and time.time() - max(stamp[-2:]) / 1e9 > SETTLED_S:
            _forget(place.parent)
            file.truncate(0)
            file.write(json.dumps(found))
    return found


def _stamp(path: Path) -> tuple[int, ...]:
    found = os.stat(path)
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _forget(folder: Path) -> None:
    """What is old."""
    for each in folder.iterdir():
        if each.stat().st_mtime < time.time() - KEPT_S:
            each.unlink(missing_ok=True)
