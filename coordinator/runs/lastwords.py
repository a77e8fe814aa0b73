"""What a run said last, for the cause of a failure."""

from pathlib import Path

from coordinator.launchers import tags

TAIL_BYTES, LONGEST = 4096, 200


def of(log: Path) -> str:
    """The last line of a log, as the end of a sentence; empty where there is none."""
    try:
        lines = log.read_bytes()[-TAIL_BYTES:].decode(errors="replace").split("\n")
    except OSError:
        return ""
    words = ["".join(filter(str.isprintable, tags.split(line).text)).strip(" -") for line in lines]
    words = [line for line in words if line]
    return f"; its last words: {words[-1][:LONGEST]}" if words else ""
