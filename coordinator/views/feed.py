"""What many watchers of one job have in common: they are woken once, and what is read and encoded for one is there for all.

1. Who waits says beforehand what for: when something new has been stored, each question is asked once, and its answer wakes all
   who wait for it.
2. An answer is good until something new has been stored; watchers that stand at different places ask for themselves.
3. Lives in the event loop's thread. No watcher of a job, no feed.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any

from coordinator.runs.hub import Hub
from coordinator.views import stream

Ask = Callable[[], Awaitable[Any]]


class Shared:
    """An answer, or that it was quiet: `get` returns how often something had been stored when it was asked for, and the answer or None."""

    def __init__(self, ask: Ask):
        self._ask, self._count = ask, -1
        self._task: asyncio.Task | None = None
        self._there = asyncio.Event()

    def start(self, count: int) -> None:
        """Asks, once."""
        if self._task is None:
            self._count, self._task = count, asyncio.ensure_future(self._ask())
            self._task.add_done_callback(self._done)

    def quiet(self) -> None:
        self._there.set()

    async def get(self) -> tuple[int, Any]:
        await self._there.wait()
        return self._count, self._task and self._task.result()

    def _done(self, task: asyncio.Task) -> None:
        if not task.cancelled():
            task.exception()  # also where all who asked have left
        self._there.set()


class Feed:
    """Of one job."""

    def __init__(self, hub: Hub, job_id: str):
        self.watchers, self._count = 0, 0
        self._now: dict[Hashable, Shared] = {}
        self._next: dict[Hashable, Shared] = {}
        self._subscription = hub.subscribe(job_id)
        self._task = asyncio.create_task(self._run(self._subscription.__enter__()))

    async def answer(self, count: int, key: Hashable, ask: Ask) -> tuple[int, Any]:
        """Waits until something has been stored more often than `count` times, and asks once for all who come with this key: how
        often by then, and the answer; (-1, None) where it was quiet for BOOKMARK_S seconds. Who names the number that came
        with its last answer misses nothing; -1 asks at once."""
        table = self._now if self._count > count else self._next
        if key not in table:
            table[key] = Shared(ask)
        if table is self._now:
            table[key].start(self._count)
        return await table[key].get()

    def close(self) -> None:
        self._task.cancel()
        self._subscription.__exit__(None, None, None)

    async def _run(self, news: asyncio.Event) -> None:
        while True:
            try:
                await asyncio.wait_for(news.wait(), stream.BOOKMARK_S)
                news.clear()
                self._count += 1
                self._now, self._next = self._next, {}
                for shared in self._now.values():
                    shared.start(self._count)
            except TimeoutError:
                quiet, self._next = self._next, {}
                for shared in quiet.values():
                    shared.quiet()


class Feeds:
    def __init__(self, hub: Hub):
        self._hub = hub
        self._feeds: dict[str, Feed] = {}

    @contextmanager
    def of(self, job_id: str) -> Iterator[Feed]:
        """The feed of a job, the same for all who watch it at the same time."""
        feed = self._feeds[job_id] = self._feeds.get(job_id) or Feed(self._hub, job_id)
        feed.watchers += 1
        try:
            yield feed
        finally:
            feed.watchers -= 1
            if not feed.watchers:
                del self._feeds[job_id]
                feed.close()
