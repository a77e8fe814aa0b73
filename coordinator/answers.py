"""What comes back over the wire → what a user's program gets: values, events of a stream, exceptions.

Both clients share this file; it opens no connection and waits for nothing.
"""

import io
import math
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from grpc_status import rpc_status

from bpcore.errors import InvalidInput, Problem
from bptrain.v1 import metric_service_pb2 as metrics
from bptrain.v1 import predict_service_pb2 as predict
from coordinator import channel
from coordinator.errors import CATALOGUE, Refusal
from worker.errors import Unavailable

RETRY_S = (0.1, 2.0)  # first wait after a break, longest wait
TRIES = 3  # of a call that the coordinator asks to make again
LINE_S, LINE_WAIT_S = 10.0, 0.2  # how long a call whose line broke is made again, how often
BROKEN = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)  # the line's fault, not the request's
# gRPC itself refuses what is too large, before any code of ours sees it.
TOO_LARGE = re.compile(r"message larger than max \((\d+) vs\. (\d+)\)")


@dataclass(frozen=True)
class Point:
    """One step of the curve. `values`: series → value."""

    step: int
    time: float
    values: Mapping[str, float]
    cursor: str = field(repr=False)


@dataclass(frozen=True)
class Notice:
    """Anything else that happened: `message` is the transition, started, checkpoint or ended message."""

    kind: str
    message: Any
    cursor: str = field(repr=False)


@dataclass(frozen=True)
class Line:
    """Of a stream, when it has broken or is back. `since`: Unix seconds, when it broke; `back`: when it was there again, 0 as
    long as it is not: then it is tried again and again."""

    since: float
    back: float = 0.0


Told = Callable[[Line], None]


def untold(line: Line) -> None:
    """For who does not want to know."""


@dataclass(frozen=True)
class Predicted:
    """Some samples in a row. `samples`: their places in the data set; `answers`: of each the `columns`, for people (none
    where there are too many numbers); `likeliest`: of each as many classes with their probabilities as asked for; `outputs`: (samples, …), float32; `step`: of the checkpoint."""

    samples: Sequence[int]
    columns: Sequence[str]
    answers: Sequence[Sequence[str]]
    outputs: Any = field(repr=False)
    step: int = 0
    likeliest: Sequence[Sequence[tuple[str, float]]] = ()

    @classmethod
    def of(cls, message: predict.PredictResponse) -> "Predicted":
        import numpy as np

        outputs = np.frombuffer(message.outputs, "<f4").reshape(len(message.samples), *message.shape)
        return cls(list(message.samples), list(message.columns), [list(answer.values) for answer in message.answers], outputs, message.step,
                   [[(share.name, share.probability) for share in answer.likeliest] for answer in message.answers])


def archive(arrays: Mapping[str, Any]) -> bytes:
    """As an .npz file has them."""
    import numpy as np

    content = io.BytesIO()
    np.savez(content, **arrays)
    return content.getvalue()


def events(message: metrics.WatchMetricsResponse) -> Iterator[Point | Notice]:
    """What one message of the wire tells a user's program."""
    kind = message.WhichOneof("event")
    if kind == "points":
        yield from _points(message)
    elif kind != "bookmark":
        yield Notice(kind, getattr(message, kind), message.cursor)


def _points(message: metrics.WatchMetricsResponse) -> Iterator[Point]:
    """The rows of one message, each with a cursor of its own."""
    base, _, skipped = message.cursor_before.partition(":")
    last = len(message.points.steps) - 1
    for row, (step, when) in enumerate(zip(message.points.steps, message.points.times)):
        values = {column.series: column.values[row] for column in message.points.columns}
        yield Point(step, when, values, message.cursor if row == last else f"{base}:{int(skipped or 0) + row + 1}")


class Patience:
    """Of a stream that breaks: how long to wait before the next call, and when to give up. A first call that finds no
    coordinator fails at once. `told`: of each break, and of its end."""

    def __init__(self, longest_s: float, address: str, told: Told = untold):
        self._longest_s, self._address, self._told = longest_s, address, told
        self._wait_s, self._lost_at = RETRY_S[0], -math.inf
        self._line: Line | None = None  # as long as it is down

    def came(self) -> None:
        """A message."""
        self._wait_s, self._lost_at = RETRY_S[0], 0.0
        if self._line:
            self._told(Line(self._line.since, time.time()))
            self._line = None

    def broke(self, error: grpc.RpcError) -> None:
        """Raises what the error stands for, unless the line may come back."""
        if not self._lost_at or (self._lost_at == -math.inf and "failed to connect" not in (error.details() or "")):
            self._lost_at = time.monotonic()  # somebody was there
        if not _may_go_on(error) or time.monotonic() - self._lost_at > self._longest_s:
            raise raised(error, self._address) from None
        if self._line is None and error.code() in BROKEN:
            self._line = Line(time.time())
            self._told(self._line)

    def wait_s(self) -> float:
        now, self._wait_s = self._wait_s, min(2 * self._wait_s, RETRY_S[1])
        return now


class Repeats:
    """Of one call: which are made again, and after how long. Those that the coordinator asks for, and those whose line broke: the
    coordinator may have made the change and its answer be lost, and with request ids all calls are safe to repeat."""

    def __init__(self) -> None:
        self._asked, self._until = 0, -math.inf

    def pause_s(self, error: grpc.RpcError) -> float | None:
        """Seconds until the next one; None where that was the last. A first call that finds no coordinator fails at once."""
        if error.code() is not grpc.StatusCode.UNAVAILABLE:
            return None
        retry, status = RetryInfo(), rpc_status.from_call(error)
        if any(detail.Unpack(retry) for detail in (status.details if status else ())):
            self._asked += 1
            return retry.retry_delay.ToTimedelta().total_seconds() if self._asked < TRIES else None
        if self._until == -math.inf and "failed to connect" not in (error.details() or ""):
            self._until = time.monotonic() + LINE_S
        return LINE_WAIT_S if time.monotonic() < self._until else None


def _may_go_on(error: grpc.RpcError) -> bool:
    """Whether the stream is to be had again from where it was."""
    return error.code() in BROKEN or _details(error)[0].reason == "SLOW_READER"


def raised(error: grpc.RpcError, address: str) -> Exception:
    """The exception of ours that a status stands for."""
    info, request = _details(error)
    if info.reason == "INVALID_FIELD":
        return InvalidInput([Problem(violation.field, violation.description, violation.reason) for violation in request.field_violations])
    if info.reason in CATALOGUE:
        return Refusal(info.reason, **info.metadata)
    if sizes := TOO_LARGE.search(error.details() or ""):
        return Refusal("MESSAGE_TOO_LARGE", size=sizes[1], limit=sizes[2])
    if error.code() is grpc.StatusCode.UNAVAILABLE:
        return Unavailable(channel.trouble(error.details(), address))
    return Unavailable(f"the coordinator at {address} answered {error.code().name}: {error.details()}")


def _details(error: grpc.RpcError) -> tuple[ErrorInfo, BadRequest]:
    """What a status brings with it; empty where it brings nothing."""
    status, info, request = rpc_status.from_call(error), ErrorInfo(), BadRequest()
    for detail in status.details if status else ():
        detail.Unpack(info) or detail.Unpack(request)
    return info, request
