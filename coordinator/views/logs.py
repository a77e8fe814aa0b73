"""What LogService answers: to gRPC, and the same to the browser."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path

from bptrain.v1.log_service_pb2 import (LOG_LEVEL_ERROR, LOG_LEVEL_INFO, LogFilter, LogLine, ReadLogsRequest, ReadLogsResponse,
                                        WatchLogsRequest, WatchLogsResponse)
from coordinator.jobs import states
from coordinator.launchers import tags
from coordinator.store import jobs
from coordinator.store.database import Database
from coordinator.views import files
from coordinator.views.stream import BOOKMARK_S

WINDOW_BYTES = 256 << 10  # that one answer looks at; a longer line is cut
PAGE, LARGEST_PAGE = 1000, 10_000
POLL_S = 0.2


class Logs:
    def __init__(self, database: Database):
        self._database = database

    async def read(self, request: ReadLogsRequest) -> ReadLogsResponse:
        """Raises Refusal JOB_NOT_FOUND."""
        folder, ended = await self._job(request.job_id)
        return await asyncio.to_thread(_before, folder, request) if request.before else await asyncio.to_thread(_from, folder, request, ended)

    async def watch(self, request: WatchLogsRequest) -> AsyncIterator[WatchLogsResponse]:
        """Raises Refusal JOB_NOT_FOUND."""
        offset, said = request.offset_bytes, time.monotonic()
        while True:
            folder, ended = await self._job(request.job_id)
            raw = await asyncio.to_thread(_whole_lines, folder, offset, ended)
            offset += sum(map(len, raw))
            lines = [line for line in map(_parsed, raw) if _passes(line, request.filter)]
            if lines or time.monotonic() - said > BOOKMARK_S:
                said = time.monotonic()
                yield WatchLogsResponse(lines=lines, offset_bytes=offset)
            if not raw and ended:
                yield WatchLogsResponse(offset_bytes=offset, ended=True)
                return
            if not raw:
                await asyncio.sleep(POLL_S)

    async def _job(self, job_id: str) -> tuple[Path, bool]:
        """(its run's folder, whether it has ended)."""
        row = await self._database.read(lambda connection: jobs.get(connection, job_id))
        return Path(row["run_dir"]), row["state"] in states.FINAL


def _from(folder: Path, request: ReadLogsRequest, ended: bool) -> ReadLogsResponse:
    raw, offset, lines = _whole_lines(folder, request.offset_bytes, ended), request.offset_bytes, []
    while raw and len(lines) < _page_size(request):
        first = raw.pop(0)
        offset += len(first)
        lines += [line for line in [_parsed(first)] if _passes(line, request.filter)]
    return ReadLogsResponse(lines=lines, offset_bytes=offset, end_bytes=offset, more=bool(raw or _whole_lines(folder, offset, ended)))


def _before(folder: Path, request: ReadLogsRequest) -> ReadLogsResponse:
    size = _size(folder)
    end = min(request.offset_bytes, size) or size
    start = max(0, end - WINDOW_BYTES)
    raw = _lines(_read(folder, start, end - start))
    if start and len(raw) > 1:
        start += len(raw.pop(0))  # it began before
    if not request.offset_bytes and raw and not raw[-1].endswith(b"\n"):
        end -= len(raw.pop())  # it is still being printed
    offset, lines = end, []
    while raw and len(lines) < _page_size(request):
        last = raw.pop()
        offset -= len(last)
        lines += [line for line in [_parsed(last)] if _passes(line, request.filter)]
    return ReadLogsResponse(lines=reversed(lines), offset_bytes=offset, end_bytes=end, more=offset > 0)


def _page_size(request: ReadLogsRequest) -> int:
    return min(request.page_size or PAGE, LARGEST_PAGE)


def _whole_lines(folder: Path, offset: int, ended: bool) -> list[bytes]:
    """The next lines, with their ends; one that has none yet only when nothing can follow."""
    raw = _read(folder, offset, WINDOW_BYTES)
    lines = _lines(raw)
    if lines and not lines[-1].endswith(b"\n") and (len(lines) > 1 or len(raw) < WINDOW_BYTES) and not (ended and len(raw) < WINDOW_BYTES):
        lines.pop()
    return lines


def _read(folder: Path, offset: int, size: int) -> bytes:
    """Nothing where there is no log yet, or an offset behind every file's end."""
    try:
        with files.opened(folder, "log") as file:
            file.seek(offset)
            return file.read(size)
    except (OSError, OverflowError, ValueError):
        return b""


def _lines(raw: bytes) -> list[bytes]:
    return [line for line in re.split(rb"(?<=\n)", raw) if line]


def _size(folder: Path) -> int:
    try:
        return (folder / "log").stat().st_size
    except OSError:
        return 0


def _parsed(raw: bytes) -> LogLine:
    said = tags.split(raw.decode(errors="replace").rstrip("\r\n"))
    return LogLine(text=said.text, rank=said.rank, level=LOG_LEVEL_ERROR if said.loud else LOG_LEVEL_INFO)


def _passes(line: LogLine, chosen: LogFilter) -> bool:
    return ((not chosen.ranks or line.HasField("rank") and line.rank in chosen.ranks)
            and line.level >= chosen.level and chosen.contains in line.text)
