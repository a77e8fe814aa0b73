"""Which attempt printed which part of a run's log: a line `ATTEMPT OFFSET` for each start of ranks, in the file `attempts`."""

import re
from pathlib import Path

from worker.record.rundir import RunDir


def begin(folder: RunDir, attempt: int) -> None:
    """What is printed from here on is this attempt's; what stands there before the first one, too. Raises OSError."""
    offset = _end(folder.log) if folder.attempts.exists() else 0
    with open(folder.attempts, "a") as file:
        file.write(f"{attempt} {offset}\n")


def starts(folder: RunDir) -> dict[int, int]:
    """Attempt → its first byte in the log, ascending."""
    content = folder.attempts.read_bytes() if folder.attempts.exists() else b""
    first: dict[int, int] = {}
    for attempt, offset in re.findall(rb"^(\d+) (\d+)$", content, re.MULTILINE):  # ranks that came to nothing leave their number to the next
        first.setdefault(int(attempt), int(offset))
    return first


def _end(log: Path) -> int:
    """Of the log; behind the end of a line, also where whoever printed it was cut off."""
    with open(log, "ab+") as file:
        size = file.tell()
        file.seek(max(0, size - 1))
        if file.read() not in (b"", b"\n"):
            size += file.write(b"\n")
        return size
