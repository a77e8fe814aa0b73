"""Checks of submitted specs, made once for many alike.

Whoever hands in a hundred equal jobs asks the same question a hundred times. The answer holds for KEPT_S seconds, since
the data may change; the ranks check again when they start.
"""

import asyncio
import time
from collections.abc import Callable

from bptrain.v1.spec_pb2 import JobSpec

KEPT_S = 2.0
MOST = 64  # different specs


class Checked:
    """`check`: what takes long; returns the spec with its defaults, or raises InvalidInput. Runs in a thread."""

    def __init__(self, check: Callable[[JobSpec], JobSpec]):
        self._check = check
        self._answers: dict[bytes, tuple[float, asyncio.Future[JobSpec]]] = {}

    async def spec(self, submitted: JobSpec) -> JobSpec:
        """What `check` returns or raises. The same object for all who ask: not to be changed."""
        key = submitted.SerializeToString(deterministic=True)
        since, answer = self._answers.get(key, (0.0, None))
        if answer is None or time.monotonic() - since > KEPT_S:
            answer = asyncio.ensure_future(asyncio.to_thread(self._check, submitted))
            answer.add_done_callback(lambda done: done.exception())  # also where all who asked have left
            self._forget()
            self._answers[key] = (time.monotonic(), answer)
        return await asyncio.shield(answer)

    def _forget(self) -> None:
        """What is too old, and the oldest where there are too many."""
        now = time.monotonic()
        kept = [(key, found) for key, found in self._answers.items() if now - found[0] <= KEPT_S]
        self._answers = dict(kept[-(MOST - 1):])
