"""Stands before every call of the users' port: asks who is calling, and writes down what is changed.

1. access/rules.py says what a call needs; this file only applies it.
2. A stream is asked again as long as it lasts (services/streams.py): it ends within a second of its token's end.
3. A change that was begun is brought to its end, also where its caller hangs up meanwhile.
4. A servicer may answer with a message, or with the bytes of one.
5. Streams are read from the store as they are taken, so a slow reader costs no memory; one that takes nothing for SLOW_S
   gives its place to another. It goes on from its cursor when it likes.
"""

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status

from coordinator.access.caller import calls
from coordinator.access.gate import Caller, Gate
from coordinator.access.rules import OPEN, Rule, rule
from coordinator.access.trail import OK, Trail
from coordinator.errors import Refusal
from coordinator.services.streams import Streams
from coordinator.services.translate import translated
from coordinator.traces import Traces


SLOW_S = 60.0


@dataclass(frozen=True)
class Admission:
    """Whether who shows this `authorization` may make this call, or go on with it. Raises the refusal when not."""

    gate: Gate
    method: str
    scope: int
    authorization: str

    def __call__(self) -> Caller:
        caller = self.gate.caller(self.authorization)
        caller.may(self.method, self.scope)
        return caller


@dataclass(frozen=True)
class Call:
    """`method`: without its service. `behaviour`: what the servicer does. `parent`: the caller's trace."""

    method: str
    rule: Rule
    authorization: str
    behaviour: Callable[..., Any]
    parent: str = ""


class Guard(grpc.aio.ServerInterceptor):
    def __init__(self, gate: Gate, trail: Trail, streams: Streams, traces: Traces = Traces()):
        self._gate, self._trail, self._streams, self._traces = gate, trail, streams, traces
        self._changes: set[asyncio.Task] = set()

    async def intercept_service(self, continuation: Callable[..., Any], details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        handler, needed = await continuation(details), rule(details.method)
        if handler is None:
            return grpc.unary_unary_rpc_method_handler(functools.partial(_unknown, details.method.removeprefix("/bptrain.v1.")))
        if needed is OPEN:
            return handler
        kind = next(kind for kind in ("unary_unary", "unary_stream", "stream_stream") if getattr(handler, kind))
        said = dict(reversed(details.invocation_metadata or ()))
        call = Call(details.method.rpartition("/")[2], needed, said.get("authorization", ""), getattr(handler, kind), said.get("traceparent", ""))
        guarded = self.written if handler.response_streaming else self.unary
        codecs = {"response_serializer": functools.partial(_encoded, handler.response_serializer)}
        if not handler.request_streaming:
            codecs["request_deserializer"] = functools.partial(_decoded, handler.request_deserializer)
        return handler._replace(**{kind: functools.partial(guarded, call)}, **codecs)

    @translated
    async def unary(self, call: Call, request: Any, context: grpc.aio.ServicerContext) -> Any:
        if not self._traces.wanted:
            return await self._answer(call, request, context)
        with self._traced(call, request, context):
            return await self._answer(call, request, context)

    async def _answer(self, call: Call, request: Any, context: grpc.aio.ServicerContext) -> Any:
        caller = self._gate.caller(call.authorization)
        calls(caller.token)
        if request is None:
            raise Refusal("MESSAGE_INVALID", method=call.method)
        if not call.rule.recorded or getattr(request, "validate_only", False):
            caller.may(call.method, call.rule.scope)
            return await call.behaviour(request, context)
        change = asyncio.create_task(self._change(caller, call, request, context))
        self._changes.add(change)
        change.add_done_callback(self._changed)
        return await asyncio.shield(change)

    async def _change(self, caller: Caller, call: Call, request: Any, context: grpc.aio.ServicerContext) -> Any:
        record = await self._trail.begin(caller.name, call.method, request)
        try:
            caller.may(call.method, call.rule.scope)
            response = await call.behaviour(request, context)
        except Exception as error:
            self._trail.end(record, _reason(error, context))
            raise
        self._trail.end(record, OK, response)
        return response

    def _changed(self, change: asyncio.Task) -> None:
        self._changes.discard(change)
        if not change.cancelled():
            change.exception()  # its caller has it, or has left

    @translated
    async def written(self, call: Call, request: Any, context: grpc.aio.ServicerContext) -> None:
        """A stream on gRPC's wire, which waits until the reader takes it."""
        async with aclosing(self._responses(call, request, context)) as responses:
            async for response in responses:
                try:
                    async with asyncio.timeout(SLOW_S):
                        await context.write(response)
                except TimeoutError:
                    raise Refusal("SLOW_READER", seconds=f"{SLOW_S:g}") from None

    async def _responses(self, call: Call, request: Any, context: grpc.aio.ServicerContext) -> AsyncIterator[Any]:
        with self._traced(call, request, context):
            admission = Admission(self._gate, call.method, call.rule.scope, call.authorization)
            caller = admission()
            if request is None:
                raise Refusal("MESSAGE_INVALID", method=call.method)
            async with aclosing(self._streams.run(call.behaviour(request, context), admission, caller.token)) as responses:
                async for response in responses:
                    yield response

    stream = translated(_responses)

    @contextmanager
    def _traced(self, call: Call, request: Any, context: grpc.aio.ServicerContext) -> Iterator[None]:
        with self._traces.call(call.method, call.parent, request) as span:
            try:
                yield
            except Exception as error:
                span.failed(_reason(error, context))
                raise


@translated
async def _unknown(method: str, request: bytes, context: grpc.aio.ServicerContext) -> None:
    """A newer client may ask for what there is not here."""
    raise Refusal("FEATURE_OFF", method=method)


def _decoded(deserializer: Callable[[bytes], Any], data: bytes) -> Any:
    """None for bytes that are no message: that is for the guard to say, once it knows who is calling."""
    try:
        return deserializer(data)
    except DecodeError:
        return None


def _encoded(serializer: Callable[[Any], bytes], response: Any) -> bytes:
    return response if isinstance(response, bytes) else serializer(response)


def _reason(error: Exception, context: grpc.aio.ServicerContext) -> str:
    """Why a call was refused, in the catalogue's words. A servicer has told the client already: read what it said."""
    if isinstance(error, Refusal):
        return error.reason
    details, info = dict(context.trailing_metadata() or ()).get("grpc-status-details-bin", b""), ErrorInfo()
    any(detail.Unpack(info) for detail in Status.FromString(details).details)
    return info.reason or "BUG"
