"""Who waits for news of which job. Lives in the event loop's thread."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from coordinator.jobs import folds

ANY = ""  # instead of a job's id: news of all


class Hub:
    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Event]] = defaultdict(set)

    def notify(self, job_id: str) -> None:
        """Something about this job has been stored; where it is a fold, that is news of its job, too."""
        for each in {job_id, folds.job_of(job_id), ANY}:
            for event in self._waiting.get(each, ()):
                event.set()

    @contextmanager
    def subscribe(self, job_id: str) -> Iterator[asyncio.Event]:
        """An event that every `notify` sets. Clear it before reading the store, and nothing is missed."""
        event = asyncio.Event()
        self._waiting[job_id].add(event)
        try:
            yield event
        finally:
            self._waiting[job_id].discard(event)
            if not self._waiting[job_id]:
                del self._waiting[job_id]
