"""A stream that is asked again and again whether it may go on."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import Any


async def watched(responses: AsyncGenerator[Any, None], check: Callable[[], Awaitable[None]], every_s: float) -> AsyncIterator[Any]:
    """The responses, until they end or `check` raises; it is asked every `every_s` seconds, also while nothing comes."""
    clock = asyncio.get_running_loop().time
    due, step = clock() + every_s, asyncio.ensure_future(anext(responses))
    try:
        while True:
            await asyncio.wait({step}, timeout=max(0.0, due - clock()))
            if clock() >= due:
                await check()
                due = clock() + every_s
            if step.done():
                yield step.result()
                step = asyncio.ensure_future(anext(responses))
    except StopAsyncIteration:
        pass
    finally:
        step.cancel()
        await asyncio.gather(step, return_exceptions=True)
        await responses.aclose()
