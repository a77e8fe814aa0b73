"""Looks at jobs: one, a page of them, one when it has come so far, and every change of all of them."""

import asyncio
import re
import sqlite3
import time
import zlib
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from math import inf

from bptrain.v1 import job_service_pb2 as pb
from coordinator.errors import Refusal
from coordinator.jobs import filter, folds, states
from coordinator.jobs.filter import Condition
from coordinator.limits import LARGEST_PAGE, LONGEST_WAIT_S
from coordinator.runs.hub import ANY, Hub
from coordinator.runs.supervisor import Supervisor
from coordinator.store import events, jobs
from coordinator.store.database import Database
from coordinator.views.job import is_waiting, job_view
from coordinator.views.stream import BOOKMARK_S
from coordinator.views.waiting import explain

PAGE = 50
PROGRESS_S = 1.0
NOT_DELETED, NO_FOLD = Condition("deleted = 0", ()), Condition(f"{filter.JOB_OF_FOLD} = ''", ())


class Looking:
    def __init__(self, database: Database, hub: Hub, supervisor: Supervisor):
        self._database, self._hub, self._supervisor = database, hub, supervisor

    async def get(self, job_id: str) -> pb.Job:
        """Raises Refusal JOB_NOT_FOUND."""
        slots = self._supervisor.slots_in_use()

        def work(connection: sqlite3.Connection) -> pb.Job:
            row = jobs.get(connection, job_id)
            job = job_view(connection, row)
            if is_waiting(row):
                explain(connection, job, slots, time.time())
            return job

        return self._database.look(work)

    async def page(self, request: pb.ListJobsRequest) -> tuple[list[pb.Job], str]:
        """(jobs, newest first; token of the next page, empty on the last). Raises InvalidInput, Refusal PAGE_TOKEN_INVALID."""
        size = min(request.page_size or PAGE, LARGEST_PAGE)
        conditions = [*filter.parse(request.filter), *([] if request.show_deleted else [NOT_DELETED])]
        conditions += [] if any(filter.JOB_OF_FOLD in each.sql for each in conditions) else [NO_FOLD]
        check = _check(conditions)
        before, _, given = request.page_token.partition(".")
        if request.page_token and (before.strip(jobs.ALPHABET + folds.DASH) or given != check):
            raise Refusal("PAGE_TOKEN_INVALID")

        def work(connection: sqlite3.Connection) -> tuple[list[pb.Job], str]:
            rows = jobs.page(connection, size + 1, before, conditions)
            views = [job_view(connection, row, brief=True) for row in rows[:size]]
            return views, f"{views[-1].id}.{check}" if len(rows) > size else ""

        return await self._database.read(work)

    async def wait(self, request: pb.WaitJobRequest) -> tuple[pb.Job, bool]:
        """(the job, whether it is in one of the states) as soon as it is, or when the time is up."""
        wanted = set(request.states or states.FINAL)
        until = time.monotonic() + min(max(request.timeout_s, 0.0), LONGEST_WAIT_S)
        with self._hub.subscribe(request.id) as news:
            while True:
                news.clear()
                row = await self._database.read(lambda connection: jobs.get(connection, request.id))
                left_s = until - time.monotonic()
                if row["state"] in wanted or left_s <= 0:
                    return await self.get(request.id), row["state"] in wanted
                with suppress(TimeoutError):
                    await asyncio.wait_for(news.wait(), left_s)

    async def watch(self, request: pb.WatchJobsRequest) -> AsyncIterator[pb.WatchJobsResponse]:
        """Raises Refusal CURSOR_INVALID, CURSOR_COMPACTED or CURSOR_LOST."""
        revision, moving = await self._database.read(lambda connection: _revision(connection, request.cursor)), Moving()
        with self._hub.subscribe(ANY) as news:
            yield pb.WatchJobsResponse(cursor=str(revision))  # from here on nothing is missed
            while True:
                news.clear()
                found = await self._database.read(lambda connection: events.changes_after(connection, revision))
                for revision, job_id, change in found:
                    job = await self._database.read(lambda connection: _brief(connection, job_id)) if request.progress else None
                    yield pb.WatchJobsResponse(cursor=str(revision), job_id=job_id, transition=change, job=job)
                for job in await self._database.read(moving.ahead) if request.progress else ():
                    yield pb.WatchJobsResponse(cursor=str(revision), job_id=job.id, job=job)
                if found:
                    continue
                try:
                    await asyncio.wait_for(news.wait(), BOOKMARK_S)
                except TimeoutError:
                    yield pb.WatchJobsResponse(cursor=str(revision))
                if request.progress:
                    await asyncio.sleep(moving.rest_s())


class Moving:
    """Jobs that train, as one reader has seen them last."""

    def __init__(self) -> None:
        self._seen: dict[str, bytes] = {}
        self._looked = -inf

    def ahead(self, connection: sqlite3.Connection) -> list[pb.Job]:
        """Those that have come further, and the jobs whose folds have; none where it was looked just now."""
        if self.rest_s() > 0:
            return []
        self._looked = time.monotonic()
        rows = {row["id"]: row for row in jobs.in_states(connection, states.ACTIVE)}
        ahead = [row for job_id, row in rows.items() if self._seen.get(job_id) != row["progress"]]
        self._seen = {job_id: row["progress"] for job_id, row in rows.items()}
        in_folds = sorted({folds.job_of(row["id"]) for row in ahead} - {""})
        return [job_view(connection, row, brief=True) for row in [*ahead, *(jobs.get(connection, job_id) for job_id in in_folds)]]

    def rest_s(self) -> float:
        """Until it is looked again."""
        return max(0.0, self._looked + PROGRESS_S - time.monotonic())


def _brief(connection: sqlite3.Connection, job_id: str) -> pb.Job | None:
    """None where it is gone."""
    try:
        return job_view(connection, jobs.get(connection, job_id), brief=True)
    except Refusal:
        return None


def _revision(connection: sqlite3.Connection, cursor: str) -> int:
    """What a cursor of the watch of all jobs stands for; "0" is before the oldest change that is kept."""
    last, is_number = events.last_revision(connection), re.fullmatch(r"[0-9]{0,18}", cursor)
    if is_number and events.is_lost(connection, int(cursor or 0)):
        raise Refusal("CURSOR_LOST", cursor=cursor)
    if not is_number or int(cursor or 0) > max(last, events.last_purged(connection)):
        raise Refusal("CURSOR_INVALID", cursor=cursor)
    if 0 < int(cursor or last) < (oldest := events.last_purged(connection)):
        raise Refusal("CURSOR_COMPACTED", cursor=cursor, oldest=oldest)
    return int(cursor or last)


def _check(conditions: Sequence[Condition]) -> str:
    """Of a filter, so that a page token is of use with that one only."""
    return f"{zlib.crc32(repr(conditions).encode()):08x}"
