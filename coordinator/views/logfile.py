"""A run's log as lines: all of it, or what one attempt printed."""

import re
from bisect import bisect_right
from pathlib import Path

from bptrain.v1.log_service_pb2 import LOG_LEVEL_ERROR, LOG_LEVEL_INFO, LogLine
from coordinator.launchers import parts, tags
from coordinator.views import files
from worker.record.rundir import RunDir

WINDOW_BYTES = 256 << 10  # that one answer looks at; a longer line is cut
ALL = (1 << 63) - 1


class LogFile:
    """`attempt`: 0 for all. Its part of the file is from byte `first` up to `end`; `over` once nothing can follow in it."""

    def __init__(self, folder: Path, attempt: int, ended: bool):
        self._folder = folder
        starts = parts.starts(RunDir(folder)) or {1: 0}
        self._attempts, self._offsets = list(starts), list(starts.values())
        self.first, self.end = _part(starts, attempt) if attempt else (0, ALL)
        self.over = ended or 0 < attempt < max(starts)

    def after(self, offset: int) -> list[bytes]:
        """The next lines, with their ends; one that has none yet only when nothing can follow."""
        raw = self._read(offset, min(WINDOW_BYTES, self.end - offset))
        lines, whole = _lines(raw), len(raw) == WINDOW_BYTES
        if lines and not lines[-1].endswith(b"\n") and (len(lines) > 1 or not whole) and (whole or not self.over):
            lines.pop()
        return lines

    def before(self, offset: int) -> tuple[list[bytes], int]:
        """(the lines up to there, where they end). Offset 0: up to the end, without a line that is still being printed."""
        end = min(offset, self._size()) or self._size()
        start = max(self.first, end - WINDOW_BYTES)
        lines = _lines(self._read(start, end - start))
        if start > self.first and len(lines) > 1:
            lines.pop(0)  # it began before
        if not offset and lines and not lines[-1].endswith(b"\n"):
            end -= len(lines.pop())
        return lines, end

    def parsed(self, raw: bytes, offset: int) -> LogLine:
        """A line that begins there."""
        said = tags.split(raw.decode(errors="replace").rstrip("\r\n"))
        attempt = self._attempts[max(0, bisect_right(self._offsets, offset) - 1)]
        return LogLine(text=said.text, rank=said.rank, level=LOG_LEVEL_ERROR if said.loud else LOG_LEVEL_INFO, attempt=attempt)

    def _read(self, offset: int, size: int) -> bytes:
        """Nothing where there is no log yet, or an offset behind every file's end."""
        try:
            with files.opened(self._folder, "log") as file:
                file.seek(offset)
                return file.read(max(0, size))
        except (OSError, OverflowError, ValueError):
            return b""

    def _size(self) -> int:
        """Where the part ends that is there."""
        try:
            return min(self.end, RunDir(self._folder).log.stat().st_size)
        except OSError:
            return 0


def _part(starts: dict[int, int], attempt: int) -> tuple[int, int]:
    """First byte and end; nothing for an attempt that has not begun."""
    if attempt not in starts:
        return 0, 0
    return starts[attempt], min((offset for number, offset in starts.items() if number > attempt), default=ALL)


def _lines(raw: bytes) -> list[bytes]:
    return [line for line in re.split(rb"(?<=\n)", raw) if line]
