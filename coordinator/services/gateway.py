"""The same services without gRPC's wire: a call by name with a message, through the same guard. The dashboard's door.

So what the browser may do, what the audit trail has of it, and what it is answered are gRPC's, to the word.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc.status_pb2 import Status

from coordinator.access.rules import rule
from coordinator.services.guard import Call, Guard


class Refused(grpc.aio.AbortError):
    """A call that was answered with this status."""

    def __init__(self, status: Status):
        super().__init__(status.message)
        self.status = status


class Context:
    """What a servicer needs of grpc.aio.ServicerContext: the way to refuse."""

    def __init__(self) -> None:
        self._metadata: tuple = ()

    async def abort_with_status(self, status: grpc.Status) -> None:
        self._metadata = status.trailing_metadata
        raise Refused(Status.FromString(dict(self._metadata)["grpc-status-details-bin"]))

    def trailing_metadata(self) -> tuple:
        return self._metadata


class Gateway:
    """`services`: descriptor and servicer of each."""

    def __init__(self, guard: Guard, services: Mapping[ServiceDescriptor, Any]):
        self._guard = guard
        self._methods = {f"{service.name}/{method.name}": (method, getattr(servicer, method.name))
                         for service, servicer in services.items() for method in service.methods}

    def method(self, name: str) -> MethodDescriptor | None:
        """Of `Service/Method`; None for what there is not."""
        return self._methods[name][0] if name in self._methods else None

    def request(self, name: str) -> Message:
        """An empty one."""
        return GetMessageClass(self._methods[name][0].input_type)()

    async def unary(self, name: str, request: Message, authorization: str) -> Message:
        """Raises Refused."""
        return self._response(name, await self._guard.unary(self._call(name, authorization), request, Context()))

    async def stream(self, name: str, request: Message, authorization: str) -> AsyncIterator[Message]:
        """Raises Refused."""
        async for response in self._guard.stream(self._call(name, authorization), request, Context()):
            yield self._response(name, response)

    def _call(self, name: str, authorization: str) -> Call:
        method, behaviour = self._methods[name]
        return Call(method.name, rule(f"/{method.containing_service.full_name}/{method.name}"), authorization, behaviour)

    def _response(self, name: str, response: Message | bytes) -> Message:
        """A servicer may answer with the bytes of a message."""
        return GetMessageClass(self._methods[name][0].output_type).FromString(response) if isinstance(response, bytes) else response
