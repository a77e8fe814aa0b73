"""The client for programs with an event loop: the same as coordinator/client.py, awaited.

    async with AsyncClient("127.0.0.1:7421") as client:
        job = await client.submit("job.yaml")
        async for event in client.watch(job.id):
            print(event)

It is made inside a running event loop, and used in that one only.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc

from coordinator import channel
from coordinator.answers import Patience, Repeats, Told, raised, untold
from coordinator.endpoint import Endpoint
from coordinator.surface import Surface
from coordinator.surface.asking import DEADLINE_S, next_page


class AsyncClient(Surface):
    __doc__ = Surface.__doc__

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._channel.close()

    def _opened(self, endpoint: Endpoint) -> grpc.aio.Channel:
        return channel.opened(endpoint, grpc.aio)

    async def _call(self, method: Callable, request: Any, take: Callable[[Any], Any], refused: Callable[[Exception], Exception] = lambda error: error,
                    deadline_s: float = DEADLINE_S) -> Any:
        repeats = Repeats()
        while True:
            try:
                return take(await method(request, timeout=deadline_s, metadata=self._metadata))
            except grpc.RpcError as error:
                wait_s = repeats.pause_s(error)
                if wait_s is None:
                    raise refused(raised(error, self.address)) from None
            await asyncio.sleep(wait_s)

    async def _pages(self, method: Callable, request: Any, take: Callable[[Any], Any], turn: Callable[[Any, Any], bool] = next_page) -> AsyncIterator[Any]:
        while True:
            page = await self._call(method, request, lambda response: response)
            for item in take(page):
                yield item
            if not turn(page, request):
                return

    async def _stream(self, method: Callable, request: Callable[[Any], Any], position: Any, position_of: Callable[[Any], Any],
                      is_last: Callable[[Any], bool], take: Callable[[Any], Any], told: Told = untold) -> AsyncIterator[Any]:
        patience = Patience(self._patience_s, self.address, told)
        while True:
            try:
                async for message in method(request(position), metadata=self._metadata):
                    position = position_of(message)
                    patience.came()
                    for item in take(message):
                        yield item
                    if is_last(message):
                        return
            except grpc.RpcError as error:
                patience.broke(error)
            await asyncio.sleep(patience.wait_s())

    async def _pieces(self, method: Callable, request: Any, take: Callable[[Any], Any]) -> AsyncIterator[Any]:
        try:
            async for piece in method(request, metadata=self._metadata):
                yield take(piece)
        except grpc.RpcError as error:
            raise raised(error, self.address) from None
