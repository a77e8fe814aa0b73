"""What a client has to be able to do, so that everything else can be said once for both."""

import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from coordinator.answers import Told, untold
from coordinator.endpoint import Endpoint

DEADLINE_S = 60.0


def fresh_id() -> str:
    """For one call: where the same is sent again, after its line broke, it is answered as the first one was."""
    return str(uuid.uuid4())


def next_page(page: Any, request: Any) -> bool:
    """Makes the request that of the next page; whether there is one."""
    request.page_token = page.next_page_token
    return bool(page.next_page_token)


class Asking(ABC):
    """A line to a coordinator: calls, pages, streams."""

    def __init__(self, address: str | Endpoint = "", patience_s: float = 300.0):
        endpoint = address if isinstance(address, Endpoint) else Endpoint.of(address)
        self.address, self._patience_s = endpoint.address, patience_s
        self._channel = self._opened(endpoint)
        self._metadata = [("authorization", f"bearer {endpoint.token}")] if endpoint.token else []

    @abstractmethod
    def _opened(self, endpoint: Endpoint) -> Any:
        """The channel."""

    @abstractmethod
    def _call(self, method: Callable, request: Any, take: Callable[[Any], Any], refused: Callable[[Exception], Exception] = lambda error: error,
              deadline_s: float = DEADLINE_S) -> Any:
        """`take(response)`; raises `refused(error)`."""

    @abstractmethod
    def _pages(self, method: Callable, request: Any, take: Callable[[Any], Iterable], turn: Callable[[Any, Any], bool] = next_page) -> Iterator[Any]:
        """`take(page)` of all pages, one after the other. `turn(page, request)` makes the request that of the next one;
        whether there is one."""

    @abstractmethod
    def _stream(self, method: Callable, request: Callable[[Any], Any], position: Any, position_of: Callable[[Any], Any],
                is_last: Callable[[Any], bool], take: Callable[[Any], Iterable], told: Told = untold) -> Iterator[Any]:
        """`take(message)` of the messages of a stream across reconnects, up to its last one. `told`: of its line."""

    @abstractmethod
    def _pieces(self, method: Callable, request: Any, take: Callable[[Any], Any]) -> Iterator[Any]:
        """`take(piece)` of a stream that ends by itself and is not taken up again."""
