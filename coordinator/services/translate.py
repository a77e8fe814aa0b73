"""Errors at the wire: every refusal leaves as a google.rpc.Status, nothing else leaves at all.

Details follow AIP-193: one ErrorInfo (reason, domain, metadata); a BadRequest with every problem of a refused job; what
state or limit is in the way; and when to try again, where that may help.
"""

import asyncio
import functools
import inspect
import logging
import secrets
from collections.abc import Callable, Sequence
from typing import Any

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc.code_pb2 import Code
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, PreconditionFailure, QuotaFailure, RetryInfo
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status

from bpcore.errors import InvalidInput, Problem
from coordinator.errors import CATALOGUE, LONGEST, Refusal

DOMAIN = "bptrain"
MOST_BYTES = 4000  # of details: gRPC drops answers with twice as many
RETRY_S = 1  # what may be tried again is tried again after so long

log = logging.getLogger("bptrain.services")


def to_status(error: Exception) -> Status:
    """The status of any exception; what is not a refusal becomes BUG, and its details go to the log."""
    if isinstance(error, InvalidInput):
        return _status("INVALID_FIELD", {}, CATALOGUE["INVALID_FIELD"].sentence, BadRequest(field_violations=_violations(error.problems)))
    if isinstance(error, Refusal):
        return _status(error.reason, error.metadata, str(error), *_details(error))
    incident = secrets.token_hex(4)
    log.error("incident %s", incident, exc_info=error)
    bug = Refusal("BUG", incident=incident)
    return _status(bug.reason, bug.metadata, str(bug))


def translated(method: Callable[..., Any]) -> Callable[..., Any]:
    """A servicer's method, or one that stands before it, whose exceptions leave as statuses. Its last argument is the context."""
    if inspect.isasyncgenfunction(method):

        @functools.wraps(method)
        async def stream(*arguments: Any) -> Any:
            try:
                async for response in method(*arguments):
                    yield response
            except Exception as error:
                await _abort(arguments[-1], error)

        return stream

    @functools.wraps(method)
    async def unary(*arguments: Any) -> Any:
        try:
            return await method(*arguments)
        except Exception as error:
            await _abort(arguments[-1], error)

    return unary


def _violations(problems: Sequence[Problem]) -> list[BadRequest.FieldViolation]:
    """Of all problems, or as many as gRPC carries, and how many are left."""
    found, size = [], 0
    for number, problem in enumerate(problems):
        violation = BadRequest.FieldViolation(field=problem.field[:LONGEST], description=problem.message[:5 * LONGEST], reason=problem.reason)
        size += violation.ByteSize()
        if size > MOST_BYTES:
            return [*found, BadRequest.FieldViolation(field="job", description=f"has {len(problems) - number} more problem(s)")]
        found.append(violation)
    return found


def _details(refusal: Refusal) -> list[Any]:
    """What AIP-193 wants beside the ErrorInfo."""
    said = refusal.metadata
    if refusal.reason == "STATE_NOT_ALLOWED":
        violation = PreconditionFailure.Violation(type="STATE", subject=f"jobs/{said['job']}",
                                                  description=f"it is {said['state']}; allowed: {said['allowed']}")
        return [PreconditionFailure(violations=[violation])]
    found, status = [], CATALOGUE[refusal.reason].status
    if status == "RESOURCE_EXHAUSTED" and "limit" in said:
        found.append(QuotaFailure(violations=[QuotaFailure.Violation(subject=said.get("token", "coordinator"), description=str(refusal))]))
    if status in ("RESOURCE_EXHAUSTED", "UNAVAILABLE"):
        found.append(RetryInfo(retry_delay=Duration(seconds=RETRY_S)))
    return found


async def _abort(context: grpc.aio.ServicerContext, error: Exception) -> None:
    if isinstance(error, (grpc.aio.AbortError, asyncio.CancelledError)):
        raise error
    await context.abort_with_status(rpc_status.to_status(to_status(error)))


def _status(reason: str, metadata: dict[str, str], message: str, *details: Any) -> Status:
    packed = []
    for detail in (ErrorInfo(reason=reason, domain=DOMAIN, metadata=metadata), *details):
        packed.append(AnyMessage())
        packed[-1].Pack(detail)
    return Status(code=Code.Value(CATALOGUE[reason].status), message=message, details=packed)
