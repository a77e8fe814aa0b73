"""What MetricService answers: to gRPC, and the same to the browser."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

import numpy as np

from bptrain.v1.metric_service_pb2 import (ExportMetricsRequest, ExportMetricsResponse, ListSeriesRequest, ListSeriesResponse,
                                           QueryMetricsRequest, QueryMetricsResponse, Series, WatchMetricsRequest, WatchMetricsResponse)
from bpcore.errors import InvalidInput, Problem, expected
from coordinator.jobs import states
from coordinator.runs.hub import Hub
from coordinator.store import events, jobs, points
from coordinator.store.database import Database
from coordinator.views import export, stream
from coordinator.views.curve import Window, curves

MOST_JOBS = 100  # in one query

Result = TypeVar("Result")


class Metrics:
    def __init__(self, database: Database, hub: Hub):
        self._database, self._hub = database, hub

    async def list_series(self, request: ListSeriesRequest) -> ListSeriesResponse:
        rows = await self._of(request.job_id, lambda connection: points.series(connection, request.job_id))
        return ListSeriesResponse(series=[Series(name=row["name"], points=row["points"], last_step=row["last_step"],
                                                 last_value=np.frombuffer(row["last_value"])[0]) for row in rows if row["points"]])

    async def query(self, request: QueryMetricsRequest) -> QueryMetricsResponse:
        """Raises InvalidInput for no job or too many, Refusal JOB_NOT_FOUND."""
        if not 0 < len(request.job_ids) <= MOST_JOBS:
            raise InvalidInput([Problem("job_ids", expected(f"1 to {MOST_JOBS} jobs", len(request.job_ids)))])
        last = min(request.last_step, points.LAST) if request.HasField("last_step") else points.LAST
        window = Window(min(request.first_step, points.LAST), last, request.max_points)
        found = []
        for job_id in request.job_ids:  # each on a snapshot of its own, so that none holds up the others
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

    async def watch(self, request: WatchMetricsRequest) -> AsyncIterator[WatchMetricsResponse]:
        """The job's events from the cursor on, until it has ended."""
        job_id, position = request.job_id, stream.Position.parse(request.job_id, request.cursor)

        def work(connection: sqlite3.Connection) -> tuple[sqlite3.Row, list[events.Event], int]:
            newest = events.newest_but(connection, job_id, request.most_behind) if request.most_behind else 0
            return jobs.get(connection, job_id), events.after(connection, job_id, position.revision), newest

        with self._hub.subscribe(job_id) as news:
            while True:
                news.clear()
                row, found, newest = await self._database.read(work)
                for message in position.messages_of(found, newest):
                    yield message
                if not found and row["state"] in states.FINAL:
                    yield position.ended(row)
                    return
                if not found and not await _within(news, stream.BOOKMARK_S):
                    yield position.bookmark()

    async def _runs(self, series_id: int) -> AsyncIterator[points.Run]:
        """A series, block by block."""
        first = 0
        while (run := await self._database.read(lambda connection: points.some(connection, series_id, first))) is not None:
            yield run
            first = int(run.steps[-1]) + 1

    async def _of(self, job_id: str, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """Raises Refusal JOB_NOT_FOUND."""
        return await self._database.read(lambda connection: (jobs.get(connection, job_id), work(connection))[1])


async def _within(event: asyncio.Event, timeout_s: float) -> bool:
    try:
        await asyncio.wait_for(event.wait(), timeout_s)
        return True
    except TimeoutError:
        return False
