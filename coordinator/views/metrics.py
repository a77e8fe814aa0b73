"""What MetricService answers: to gRPC, and the same to the browser."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import TypeVar

import numpy as np

from bptrain.v1.metric_service_pb2 import (ExportMetricsRequest, ExportMetricsResponse, ListSeriesRequest, ListSeriesResponse,
                                           QueryMetricsRequest, QueryMetricsResponse, Series, WatchMetricsRequest)
from bpcore.errors import InvalidInput, Problem, expected
from coordinator.errors import Refusal
from coordinator.jobs import states
from coordinator.runs.hub import Hub
from coordinator.store import events, jobs, points
from coordinator.store.database import Database
from coordinator.views import export, stream
from coordinator.views.curve import Window, chosen, curves
from coordinator.views.feed import Feeds

MOST_JOBS = 100  # in one query
MOST_POINTS = 250_000  # in one answer, of all curves: what 4 MiB hold, gRPC's limit for a message

Result = TypeVar("Result")


class Metrics:
    def __init__(self, database: Database, hub: Hub):
        self._database, self._feeds = database, Feeds(hub)

    async def list_series(self, request: ListSeriesRequest) -> ListSeriesResponse:
        rows = await self._of(request.job_id, lambda connection: points.series(connection, request.job_id))
        return ListSeriesResponse(series=[Series(name=row["name"], points=row["points"], last_step=row["last_step"],
                                                 last_value=np.frombuffer(row["last_value"])[0]) for row in rows if row["points"]])

    async def query(self, request: QueryMetricsRequest) -> QueryMetricsResponse:
        """Raises InvalidInput for no job or too many, Refusal JOB_NOT_FOUND."""
        if not 0 < len(request.job_ids) <= MOST_JOBS:
            raise InvalidInput([Problem("job_ids", expected(f"1 to {MOST_JOBS} jobs", len(request.job_ids)))])
        job_ids = [each for job_id in request.job_ids for each in await self._of(job_id, lambda connection: _with_curves(connection, job_id))]
        last = min(request.last_step, points.LAST) if request.HasField("last_step") else points.LAST
        counts = [await self._of(job_id, lambda connection: len(chosen(connection, job_id, request.series))) for job_id in job_ids]
        most = max(4, MOST_POINTS // max(1, sum(counts)))
        window = Window(min(request.first_step, points.LAST), last, min(request.max_points or most, most))
        found = []
        for job_id in job_ids:  # each on a snapshot of its own, so that none holds up the others
            found += await self._of(job_id, lambda connection: curves(connection, job_id, request.series, window))
        return QueryMetricsResponse(curves=found)

    async def export(self, request: ExportMetricsRequest) -> AsyncIterator[ExportMetricsResponse]:
        """Block after block, so that a long curve takes no more memory than a short one."""
        form = export.FORMATS[request.format]
        rows = await self._of(request.job_id, lambda connection: points.series(connection, request.job_id))
        yield ExportMetricsResponse(content=form.head)
        for row in rows:
            if not request.series or row["name"] in request.series:
                async for run in self._runs(row["id"]):
                    yield ExportMetricsResponse(content=await asyncio.to_thread(form.lines, row["name"], run))

    async def watch(self, request: WatchMetricsRequest) -> AsyncIterator[bytes]:
        """The job's events from the cursor on, until it has ended: each an encoded WatchMetricsResponse, since one encoding
        serves all who watch. Raises Refusal JOB_NOT_FOUND or CURSOR_FOREIGN."""
        job_id, position = request.job_id, stream.Position.parse(request.job_id, request.cursor)
        if not await self._of(job_id, position.found):
            raise Refusal("CURSOR_FOREIGN", cursor=request.cursor, job=job_id)
        count, most_behind = -1, request.most_behind
        with self._feeds.of(job_id) as feed:
            while True:
                at = position
                count, found = await feed.answer(count, (at, most_behind), lambda: self._database.read(lambda connection: _behind(connection, at, most_behind)))
                if found is None:
                    yield position.bookmark().SerializeToString()
                    continue
                row, position, messages, is_all = found
                for message in messages:
                    yield message
                if not is_all:
                    count = -1
                elif row["state"] in states.FINAL:
                    yield position.ended(row).SerializeToString()
                    return

    async def _runs(self, series_id: int) -> AsyncIterator[points.Run]:
        """A series, block by block."""
        first = 0
        while (run := await self._database.read(lambda connection: points.some(connection, series_id, first))) is not None:
            yield run
            first = int(run.steps[-1]) + 1

    async def _of(self, job_id: str, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """Raises Refusal JOB_NOT_FOUND."""
        return await self._database.read(lambda connection: (jobs.get(connection, job_id), work(connection))[1])


def _with_curves(connection: sqlite3.Connection, job_id: str) -> list[str]:
    """The job, or its folds."""
    return [row["id"] for row in jobs.folds(connection, job_id)] or [job_id]


def _behind(connection: sqlite3.Connection, at: stream.Position, most_behind: int) -> tuple[sqlite3.Row, stream.Position, list[bytes], bool]:
    """The job's row; where a reader who stands there stands after the next events; what it gets of them; whether these are all."""
    position, row = replace(at), jobs.get(connection, at.job_id)
    newest = events.newest_but(connection, at.job_id, most_behind) if most_behind else 0
    found = events.after(connection, at.job_id, at.revision)
    messages = [message.SerializeToString() for message in position.messages_of(found, newest)]
    return row, position, messages, len(found) < events.PAGE
