"""What LogService answers: to gRPC, and the same to the browser."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

from bptrain.v1.log_service_pb2 import LogLine, ReadLogsRequest, ReadLogsResponse, WatchLogsRequest, WatchLogsResponse
from coordinator.jobs import states
from coordinator.store import jobs
from coordinator.store.database import Database
from coordinator.views.logfile import LogFile
from coordinator.views.passing import Passing
from coordinator.views.stream import BOOKMARK_S

PAGE, LARGEST_PAGE = 1000, 10_000
POLL_S = 0.2


class Logs:
    def __init__(self, database: Database):
        self._database = database

    async def read(self, request: ReadLogsRequest) -> ReadLogsResponse:
        """Raises InvalidInput for a filter that is none, Refusal JOB_NOT_FOUND."""
        passes = Passing(request.filter)
        folder, ended = await self._job(request.job_id)
        return await asyncio.to_thread(_before if request.before else _from, folder, ended, request, passes)

    async def watch(self, request: WatchLogsRequest) -> AsyncIterator[WatchLogsResponse]:
        """Raises the same."""
        passes, offset, said = Passing(request.filter), request.offset_bytes, time.monotonic()
        while True:
            folder, ended = await self._job(request.job_id)
            lines, after, over = await asyncio.to_thread(_further, folder, ended, request.filter.attempt, offset, passes)
            came, offset = after > offset, after
            if lines or time.monotonic() - said > BOOKMARK_S:
                said = time.monotonic()
                yield WatchLogsResponse(lines=lines, offset_bytes=offset)
            if not came and over:
                yield WatchLogsResponse(offset_bytes=offset, ended=True)
                return
            if not came:
                await asyncio.sleep(POLL_S)

    async def _job(self, job_id: str) -> tuple[Path, bool]:
        """(its run's folder, whether it has ended)."""
        row = await self._database.read(lambda connection: jobs.get(connection, job_id))
        return Path(row["run_dir"]), row["state"] in states.FINAL


def _further(folder: Path, ended: bool, attempt: int, offset: int, passes: Passing) -> tuple[list[LogLine], int, bool]:
    """(the next lines that pass, where to go on, whether there is no more behind what there is)."""
    log, lines = LogFile(folder, attempt, ended), []
    offset = max(offset, log.first)
    for raw in log.after(offset):
        lines.append(log.parsed(raw, offset))
        offset += len(raw)
    return list(filter(passes, lines)), offset, log.over


def _from(folder: Path, ended: bool, request: ReadLogsRequest, passes: Passing) -> ReadLogsResponse:
    log, lines = LogFile(folder, request.filter.attempt, ended), []
    offset = max(request.offset_bytes, log.first)
    raw = log.after(offset)
    while raw and len(lines) < _page_size(request):
        line, offset = log.parsed(raw[0], offset), offset + len(raw.pop(0))
        lines += [line] if passes(line) else []
    return ReadLogsResponse(lines=lines, offset_bytes=offset, end_bytes=offset, more=bool(raw or log.after(offset)))


def _before(folder: Path, ended: bool, request: ReadLogsRequest, passes: Passing) -> ReadLogsResponse:
    log, lines = LogFile(folder, request.filter.attempt, ended), []
    raw, end = log.before(request.offset_bytes)
    offset = end
    while raw and len(lines) < _page_size(request):
        last = raw.pop()
        offset -= len(last)
        line = log.parsed(last, offset)
        lines += [line] if passes(line) else []
    return ReadLogsResponse(lines=reversed(lines), offset_bytes=offset, end_bytes=end, more=offset > log.first)


def _page_size(request: ReadLogsRequest) -> int:
    return min(request.page_size or PAGE, LARGEST_PAGE)
