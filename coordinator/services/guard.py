"""Stands before every call of the users' port: asks who is calling, and writes down what is changed.

1. access/rules.py says what a call needs; this file only applies it.
2. A stream is asked again as long as it lasts: it ends within CHECK_S of its token's end.
"""

import functools
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import grpc
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status

from coordinator.access.gate import Gate
from coordinator.access.rules import OPEN, Rule, rule
from coordinator.access.trail import OK, Trail
from coordinator.errors import Refusal
from coordinator.services.translate import translated
from coordinator.services.watched import watched

CHECK_S = 0.5


@dataclass(frozen=True)
class Call:
    """`method`: without its service. `behaviour`: what the servicer does."""

    method: str
    rule: Rule
    authorization: str
    behaviour: Callable[..., Any]


class Guard(grpc.aio.ServerInterceptor):
    def __init__(self, gate: Gate, trail: Trail, most_streams: int):
        self._gate, self._trail, self._most_streams = gate, trail, most_streams
        self._streams = 0

    async def intercept_service(self, continuation: Callable[..., Any], details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        handler, needed = await continuation(details), rule(details.method)
        if handler is None or needed is OPEN:
            return handler
        kind = next(kind for kind in ("unary_unary", "unary_stream", "stream_stream") if getattr(handler, kind))
        authorization = dict(details.invocation_metadata).get("authorization", "")
        call = Call(details.method.rpartition("/")[2], needed, authorization, getattr(handler, kind))
        guarded = self._stream if handler.response_streaming else self._unary
        return handler._replace(**{kind: functools.partial(guarded, call)})

    @translated
    async def _unary(self, call: Call, request: Any, context: grpc.aio.ServicerContext) -> Any:
        caller = await self._gate.caller(call.authorization)
        if not call.rule.recorded or getattr(request, "validate_only", False):
            caller.may(call.method, call.rule.scope)
            return await call.behaviour(request, context)
        record = await self._trail.begin(caller.name, call.method, request)
        try:
            caller.may(call.method, call.rule.scope)
            response = await call.behaviour(request, context)
        except Exception as error:
            await self._trail.end(record, _reason(error, context))
            raise
        await self._trail.end(record, OK, response)
        return response

    @translated
    async def _stream(self, call: Call, request: Any, context: grpc.aio.ServicerContext) -> AsyncIterator[Any]:
        admit = functools.partial(self._admit, call)
        await admit()
        with self._place():
            async for response in watched(call.behaviour(request, context), admit, CHECK_S):
                yield response

    @contextmanager
    def _place(self) -> Iterator[None]:
        """For one more stream. Raises Refusal STREAM_LIMIT."""
        if self._streams >= self._most_streams:
            raise Refusal("STREAM_LIMIT", limit=self._most_streams)
        self._streams += 1
        try:
            yield
        finally:
            self._streams -= 1

    async def _admit(self, call: Call) -> None:
        (await self._gate.caller(call.authorization)).may(call.method, call.rule.scope)


def _reason(error: Exception, context: grpc.aio.ServicerContext) -> str:
    """Why a call was refused, in the catalogue's words. A servicer has told the client already: read what it said."""
    if isinstance(error, Refusal):
        return error.reason
    details, info = dict(context.trailing_metadata() or ()).get("grpc-status-details-bin", b""), ErrorInfo()
    any(detail.Unpack(info) for detail in Status.FromString(details).details)
    return info.reason or "BUG"
