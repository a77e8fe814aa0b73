"""Work in the background: held while it runs, logged where it fails, cancelled at the end."""

import asyncio
import logging
from collections.abc import Coroutine

log = logging.getLogger("bptrain.tasks")


class Tasks:
    def __init__(self) -> None:
        self._running: set[asyncio.Task] = set()

    def spawn(self, work: Coroutine) -> asyncio.Task:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._done)
        return task

    async def cancel(self) -> None:
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def _done(self, task: asyncio.Task) -> None:
        self._running.discard(task)
        if not task.cancelled() and task.exception():
            log.error("work in the background failed", exc_info=task.exception())
