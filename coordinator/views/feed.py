"""What many watchers of one job have in common: they are woken once, and what is read and encoded for one is there for all.

1. Whoever remembers `count` before asking misses nothing: what comes later has another count.
2. An answer is good until something new has been stored; watchers that stand at different places ask for themselves.
3. Lives in the event loop's thread. No watcher of a job, no feed.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from coordinator.runs.hub import Hub
from coordinator.views import stream

Answer = TypeVar("Answer")


class Feed:
    """Of one job. `count`: how often something has been stored."""

    def __init__(self, hub: Hub, job_id: str):
        self.count, self.watchers = 0, 0
        self._pulse = asyncio.Event()
        self._answers: dict[Hashable, asyncio.Future] = {}
        self._subscription = hub.subscribe(job_id)
        self._task = asyncio.create_task(self._run(self._subscription.__enter__()))

    async def since(self, count: int) -> bool:
        """Waits for more than that; False where it was quiet for BOOKMARK_S seconds."""
        if self.count == count:
            await self._pulse.wait()
        return self.count != count

    async def shared(self, key: Hashable, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """What `ask` answers, asked once for all who come with this key before something new is stored."""
        if key not in self._answers:
            self._answers[key] = asyncio.ensure_future(ask())
            self._answers[key].add_done_callback(lambda done: done.cancelled() or done.exception())  # also where all who asked have left
        answer = self._answers[key]
        return answer.result() if answer.done() else await asyncio.shield(answer)

    def close(self) -> None:
        self._task.cancel()
        self._subscription.__exit__(None, None, None)

    async def _run(self, news: asyncio.Event) -> None:
        while True:
            try:
                await asyncio.wait_for(news.wait(), stream.BOOKMARK_S)
                news.clear()
                self.count += 1
                self._answers = {}
            except TimeoutError:
                pass
            self._pulse.set()
            self._pulse.clear()


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
