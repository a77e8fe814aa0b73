"""The client: what a user's program imports.

    from coordinator import Client

    client = Client("127.0.0.1:7421")
    job = client.submit("job.yaml")
    for event in client.watch(job.id):
        print(event)

1. Streams reconnect by themselves, from where they were; they end only with the job's end record.
2. Errors are the ones of the table in coordinator/errors.py, raised as exceptions with a sentence.
3. Importing this loads no part of the server. What can be asked is in surface/; aio.py asks the same without blocking.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any

import grpc

from coordinator import channel
from coordinator.answers import Notice, Patience, Point, Repeats, Told, raised, untold
from coordinator.endpoint import Endpoint
from coordinator.surface import Surface
from coordinator.surface.asking import DEADLINE_S, next_page

__all__ = ["Client", "Notice", "Point"]


class Client(Surface):
    __doc__ = Surface.__doc__

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._channel.close()

    def _opened(self, endpoint: Endpoint) -> grpc.Channel:
        return channel.opened(endpoint, grpc)

    def _call(self, method: Callable, request: Any, take: Callable[[Any], Any], refused: Callable[[Exception], Exception] = lambda error: error,
              deadline_s: float = DEADLINE_S) -> Any:
        repeats = Repeats()
        while True:
            try:
                return take(method(request, timeout=deadline_s, metadata=self._metadata))
            except grpc.RpcError as error:
                wait_s = repeats.pause_s(error)
                if wait_s is None:
                    raise refused(raised(error, self.address)) from None
            time.sleep(wait_s)

    def _pages(self, method: Callable, request: Any, take: Callable[[Any], Any], turn: Callable[[Any, Any], bool] = next_page) -> Iterator[Any]:
        while True:
            page = self._call(method, request, lambda response: response)
            yield from take(page)
            if not turn(page, request):
                return

    def _stream(self, method: Callable, request: Callable[[Any], Any], position: Any, position_of: Callable[[Any], Any],
                is_last: Callable[[Any], bool], take: Callable[[Any], Any], told: Told = untold) -> Iterator[Any]:
        patience = Patience(self._patience_s, self.address, told)
        while True:
            try:
                for message in method(request(position), metadata=self._metadata):
                    position = position_of(message)
                    patience.came()
                    yield from take(message)
                    if is_last(message):
                        return
            except grpc.RpcError as error:
                patience.broke(error)
            time.sleep(patience.wait_s())

    def _pieces(self, method: Callable, request: Any, take: Callable[[Any], Any]) -> Iterator[Any]:
        try:
            for piece in method(request, metadata=self._metadata):
                yield take(piece)
        except grpc.RpcError as error:
            raise raised(error, self.address) from None
