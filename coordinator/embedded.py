"""A whole coordinator inside another program: its event loop in a thread, gone when the block ends."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from coordinator.app import Settings
from coordinator.ports import LOOPBACK, Listen
from coordinator.server import Server


@contextmanager
def embedded(settings: Settings, listen: Listen = Listen(LOOPBACK, 0, 0)) -> Iterator[Server]:
    """The running server, on free ports unless told otherwise. Raises Unavailable as Server.start does."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="coordinator")
    thread.start()
    try:
        server = Server(settings, listen)
        asyncio.run_coroutine_threadsafe(server.start(), loop).result()
        try:
            yield server
        finally:
            asyncio.run_coroutine_threadsafe(server.stop(), loop).result()
    finally:
        asyncio.run_coroutine_threadsafe(_wind_up(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _wind_up() -> None:
    """What asyncio.run does at its end: nothing is left half done."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_asyncgens()
