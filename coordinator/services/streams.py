"""Streams that are open: how many, and which of them may go on.

1. Tokens are asked about once for all streams that show the same one, every CHECK_S seconds.
2. A stream that is to end is woken where it waits for its servicer, and leaves with the refusal; one that is just
   sending leaves when it has sent.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any

from coordinator.errors import Refusal

CHECK_S = 0.5


class Stream:
    def __init__(self, responses: AsyncGenerator[Any, None]):
        self._responses, self._task = responses, asyncio.current_task()
        self._waits, self._refusal = False, None

    def end(self, refusal: Refusal) -> None:
        self._refusal = self._refusal or refusal
        if self._waits:
            self._waits = False
            self._task.cancel()

    async def passed_on(self) -> AsyncIterator[Any]:
        """The servicer's responses. Raises the refusal that ended it."""
        try:
            while self._refusal is None:
                self._waits = True
                response = await anext(self._responses)
                self._waits = False
                yield response
            raise self._refusal
        except StopAsyncIteration:
            self._waits = False
        except asyncio.CancelledError:
            if self._refusal is None:  # the caller has hung up
                raise
            self._task.uncancel()
            raise self._refusal from None
        finally:
            await self._responses.aclose()


class Streams:
    """At most `most` of them, of all callers together, and `most_each` of one token (0: any)."""

    def __init__(self, most: int, most_each: int = 0):
        self._most, self._most_each, self._drained = most, most_each, None
        self._of_token: Counter[str] = Counter()
        self._open: dict[Callable[[], object], set[Stream]] = {}  # by what says whether they may go on
        self._count = 0
        self._watch: asyncio.Task | None = None

    async def run(self, responses: AsyncGenerator[Any, None], check: Callable[[], object], token: str = "") -> AsyncIterator[Any]:
        """The responses, until they end or `check` raises a refusal; equal checks are made once for all. `token`: its name, empty
        without one. Raises that refusal, or STREAM_LIMIT or DRAINING."""
        if self._drained:
            raise self._drained
        if self._count >= self._most:
            raise Refusal("STREAM_LIMIT", whose="all callers together", limit=self._most)
        if token and self._most_each and self._of_token[token] >= self._most_each:
            raise Refusal("STREAM_LIMIT", whose=f"token {token}", limit=self._most_each, token=token)
        stream, alike = Stream(responses), self._open.setdefault(check, set())
        alike.add(stream)
        self._count += 1
        self._of_token[token] += 1
        self._watch = self._watch or asyncio.create_task(self._look())
        try:
            async for response in stream.passed_on():
                yield response
        finally:
            self._count -= 1
            self._of_token -= Counter([token])  # and forgets it at zero
            alike.discard(stream)
            if not alike and self._open.get(check) is alike:
                del self._open[check]

    def drain(self) -> None:
        """Ends all, and lets none in any more. Each message had its cursor, so readers go on from there elsewhere."""
        self._drained = Refusal("DRAINING")
        for check in list(self._open):
            self._end(check, self._drained)
        if self._watch:
            self._watch.cancel()

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(CHECK_S)
            for check in list(self._open):
                try:
                    check()
                except Refusal as refusal:
                    self._end(check, refusal)

    def _end(self, check: Callable[[], object], refusal: Refusal) -> None:
        for stream in list(self._open.get(check, ())):
            stream.end(refusal)
