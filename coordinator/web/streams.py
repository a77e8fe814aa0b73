"""Streams of messages as the body of an answer: server-sent events, or a file.

1. One task asks for messages and sends them, as services/streams.py wants it; it is ended when the reader leaves.
2. A message is asked for when the one before it has gone out: a slow reader costs no memory. One that takes nothing for
   SLOW_S is hung up on, as services/guard.py does on gRPC's wire.
3. What is refused at once is refused as any call; later it is an event of that name, and the stream ends.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping

from google.protobuf.message import Message
from starlette.types import Receive, Scope, Send

from coordinator.services import guard
from coordinator.services.gateway import Refused
from coordinator.web.answers import encoded, refusal


class Streamed:
    """An answer. `encode`: a message → bytes of the body."""

    def __init__(self, messages: AsyncIterator[Message], encode: Callable[[Message], bytes], headers: Mapping[str, str]):
        self._messages, self._encode = messages, encode
        self._headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sending, leaving = asyncio.create_task(self._send(scope, receive, send)), asyncio.create_task(_left(receive))
        await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        for task in (sending, leaving):
            task.cancel()
        await asyncio.gather(sending, leaving, return_exceptions=True)

    async def _send(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False
        try:
            async for message in self._messages:
                if not begun:
                    await send({"type": "http.response.start", "status": 200, "headers": self._headers})
                begun = True
                async with asyncio.timeout(guard.SLOW_S):
                    await send({"type": "http.response.body", "body": self._encode(message), "more_body": True})
        except Refused as error:
            if not begun:
                await refusal(error.status)(scope, receive, send)
                return
            await send({"type": "http.response.body", "body": _told(error), "more_body": True})
        await send({"type": "http.response.body", "body": b""})


def events(messages: AsyncIterator[Message]) -> Streamed:
    return Streamed(messages, lambda message: f"data: {encoded(message)}\n\n".encode(), {
        "Content-Type": "text/event-stream", "Cache-Control": "no-store"})


def _told(error: Refused) -> bytes:
    return f"event: refused\ndata: {json.dumps({'message': error.status.message})}\n\n".encode()


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
