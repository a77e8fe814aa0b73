"""The client: what a user's program imports.

    from coordinator import Client

    client = Client("127.0.0.1:7421")
    job = client.submit("job.yaml")
    for event in client.watch(job.id):
        print(event)

1. `watch` and `logs` reconnect by themselves, from where they were; they end only with the job's end record.
2. Errors are the ones of the table in coordinator/errors.py, raised as exceptions with a sentence.
3. Importing this loads no part of the server.
"""

import math
import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import grpc
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo
from grpc_status import rpc_status

from bpcore.errors import InvalidInput, Problem, unless_known
from bptrain.v1 import admin_service_pb2 as admin
from bptrain.v1 import artifact_service_pb2 as files
from bptrain.v1 import job_service_pb2 as jobs
from bptrain.v1 import log_service_pb2 as said
from bptrain.v1 import metric_service_pb2 as metrics
from bptrain.v1.admin_service_pb2_grpc import AdminServiceStub
from bptrain.v1.artifact_service_pb2_grpc import ArtifactServiceStub
from bptrain.v1.job_service_pb2_grpc import JobServiceStub
from bptrain.v1.log_service_pb2_grpc import LogServiceStub
from bptrain.v1.metric_service_pb2_grpc import MetricServiceStub
from bptrain.v1.spec_pb2 import JobSpec
from coordinator import channel
from coordinator.endpoint import Endpoint
from coordinator.errors import CATALOGUE, Refusal
from worker import jobfile
from worker.errors import Unavailable

DEADLINE_S = 60.0
RETRY_S = (0.1, 2.0)  # first wait after a break, longest wait

BROKEN = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)  # the line's fault, not the request's
# gRPC itself refuses what is too large, before any code of ours sees it.
TOO_LARGE = re.compile(r"message larger than max \((\d+) vs\. (\d+)\)")

Response = TypeVar("Response")


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


class Client:
    """Talks to one coordinator. `address`: HOST:PORT, default $BPTRAIN_COORDINATOR or 127.0.0.1:7421; token and
    certificates then come from the environment, or all from an Endpoint (coordinator/endpoint.py).

    `patience_s`: how long `watch` and `logs` try to reconnect before they raise Unavailable.
    """

    def __init__(self, address: str | Endpoint = "", patience_s: float = 300.0):
        endpoint = address if isinstance(address, Endpoint) else Endpoint.of(address)
        self.address = endpoint.address
        self._patience_s = patience_s
        self._channel = channel.opened(endpoint)
        self._jobs, self._metrics, self._logs, self._artifacts, self._admin = (
            stub(self._channel) for stub in (JobServiceStub, MetricServiceStub, LogServiceStub, ArtifactServiceStub, AdminServiceStub))

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._channel.close()

    def submit(self, job: str | Path | Mapping[str, Any] | JobSpec, validate_only: bool = False) -> jobs.Job:
        """Hands in a job: a job file's path, its content as a dict, or a JobSpec.

        Safe to repeat on a broken line: the coordinator knows the call by its request id. Raises
        InvalidInput with every problem; nothing is stored then.
        """
        spec, problems = _spec(job)
        request = jobs.SubmitJobRequest(spec=spec, request_id=str(uuid.uuid4()), validate_only=validate_only or bool(problems))
        try:
            response = self._call(self._jobs.SubmitJob, request)
        except InvalidInput as error:
            raise InvalidInput(problems + unless_known(problems, error.problems)) from None
        if problems:
            raise InvalidInput(problems)
        return response.job

    def get(self, job_id: str) -> jobs.Job:
        return self._call(self._jobs.GetJob, jobs.GetJobRequest(id=job_id)).job

    def list(self) -> Iterator[jobs.Job]:
        """All jobs, newest first."""
        token, first = "", True
        while token or first:
            page = self._call(self._jobs.ListJobs, jobs.ListJobsRequest(page_token=token))
            yield from page.jobs
            token, first = page.next_page_token, False

    def cancel(self, job_id: str) -> jobs.Job:
        """Asks a job to stop with a checkpoint; returns at once."""
        return self._call(self._jobs.CancelJob, jobs.CancelJobRequest(id=job_id)).job

    def resize(self, job_id: str, ranks: int) -> jobs.Job:
        """Lets a running job go on with another number of ranks, with the same bits; returns at once.

        Raises InvalidInput for a number that its shards or the coordinator's slots do not allow, Refusal when the job
        does not run or other jobs have the slots.
        """
        return self._call(self._jobs.ResizeJob, jobs.ResizeJobRequest(id=job_id, ranks=ranks)).job

    def curve(self, job_id: str, series: Sequence[str] = (), max_points: int = 0) -> dict[str, metrics.Curve]:
        """The curves so far, by series; at most `max_points` each (0: all)."""
        return {curve.series: curve for curve in self.curves([job_id], series, max_points)}

    def curves(self, job_ids: Sequence[str], series: Sequence[str] = (), max_points: int = 0, first_step: int = 0,
               last_step: int | None = None) -> Sequence[metrics.Curve]:
        """The curves of several jobs between two steps, job after job, each with how many points it has there."""
        request = metrics.QueryMetricsRequest(job_ids=job_ids, series=series, max_points=max_points, first_step=first_step, last_step=last_step)
        return self._call(self._metrics.QueryMetrics, request).curves

    def series(self, job_id: str) -> Sequence[metrics.Series]:
        """What a job has curves of."""
        return self._call(self._metrics.ListSeries, metrics.ListSeriesRequest(job_id=job_id)).series

    def export_metrics(self, job_id: str, series: Sequence[str] = (), form: int = metrics.ExportMetricsRequest.FORMAT_CSV) -> Iterator[bytes]:
        """Every point, as pieces of a file."""
        request = metrics.ExportMetricsRequest(job_id=job_id, series=series, format=form)
        try:
            for piece in self._metrics.ExportMetrics(request):
                yield piece.content
        except grpc.RpcError as error:
            raise _raised(error, self.address) from None

    def watch(self, job_id: str, cursor: str = "") -> Iterator[Point | Notice]:
        """Every step once, in order, as it is committed, and what else happens; the last is `ended`.

        Each has a `cursor`: hand it to another `watch` to go on behind it.
        """
        for message in self.messages(job_id, cursor):
            kind = message.WhichOneof("event")
            if kind == "points":
                yield from _points(message)
            elif kind != "bookmark":
                yield Notice(kind, getattr(message, kind), message.cursor)

    def messages(self, job_id: str, cursor: str = "") -> Iterator[metrics.WatchMetricsResponse]:
        """The same as the messages of the wire: many steps in each."""

        def call(position: str) -> Iterator[metrics.WatchMetricsResponse]:
            return self._metrics.WatchMetrics(metrics.WatchMetricsRequest(job_id=job_id, cursor=position))

        return self._resumed(call, cursor, lambda message: message.cursor, lambda message: message.HasField("ended"))

    def logs(self, job_id: str, follow: bool = False, ranks: Sequence[int] = (), level: int = 0, contains: str = "") -> Iterator[said.LogLine]:
        """What the ranks printed, line by line; with `follow` until the job has ended."""
        chosen = said.LogFilter(ranks=ranks, level=level, contains=contains)

        def call(offset: int) -> Iterator[said.WatchLogsResponse]:
            return self._logs.WatchLogs(said.WatchLogsRequest(job_id=job_id, offset_bytes=offset, filter=chosen))

        if not follow:
            return self._log_pages(job_id, chosen)
        messages = self._resumed(call, 0, lambda message: message.offset_bytes, lambda message: message.ended)
        return (line for message in messages for line in message.lines)

    def _log_pages(self, job_id: str, chosen: said.LogFilter) -> Iterator[said.LogLine]:
        page = said.ReadLogsResponse(more=True)
        while page.more:
            page = self._call(self._logs.ReadLogs, said.ReadLogsRequest(job_id=job_id, offset_bytes=page.offset_bytes, filter=chosen))
            yield from page.lines

    def artifacts(self, job_id: str) -> Sequence[files.Artifact]:
        """Files of a job: checkpoints, journal, log."""
        return self._call(self._artifacts.ListArtifacts, files.ListArtifactsRequest(job_id=job_id)).artifacts

    def artifact(self, job_id: str, name: str) -> files.Artifact:
        """One of them, with its SHA-256."""
        return self._call(self._artifacts.GetArtifact, files.GetArtifactRequest(job_id=job_id, name=name)).artifact

    def download(self, job_id: str, name: str, offset_bytes: int = 0) -> Iterator[bytes]:
        """Its content from an offset on, across reconnects."""

        def call(offset: int) -> Iterator[files.DownloadArtifactResponse]:
            return self._artifacts.DownloadArtifact(files.DownloadArtifactRequest(job_id=job_id, name=name, offset_bytes=offset))

        for message in self._resumed(call, offset_bytes, lambda message: message.offset_bytes, lambda message: message.ended):
            yield message.content

    def create_token(self, name: str, scope: int, lifetime_s: int) -> admin.CreateTokenResponse:
        """A new token; `.secret` is what its holder shows, and stands nowhere else."""
        return self._call(self._admin.CreateToken, admin.CreateTokenRequest(name=name, scope=scope, lifetime_s=lifetime_s))

    def tokens(self) -> Sequence[admin.Token]:
        """All that there are or were, oldest first."""
        return self._call(self._admin.ListTokens, admin.ListTokensRequest()).tokens

    def revoke_token(self, name: str) -> admin.Token:
        """Refused from the next call on."""
        return self._call(self._admin.RevokeToken, admin.RevokeTokenRequest(name=name)).token

    def audit(self) -> Iterator[admin.AuditRecord]:
        """Who changed what, newest first."""
        token, first = "", True
        while token or first:
            page = self._call(self._admin.ListAudit, admin.ListAuditRequest(page_token=token))
            yield from page.records
            token, first = page.next_page_token, False

    def _resumed(self, call: Callable[[Any], Iterator[Response]], position: Any, position_of: Callable[[Response], Any],
                 is_last: Callable[[Response], bool]) -> Iterator[Response]:
        """The messages of a stream across reconnects, up to its last one. A first call that finds no
        coordinator fails at once."""
        wait_s, lost_at = RETRY_S[0], -math.inf
        while True:
            try:
                for message in call(position):
                    position, wait_s, lost_at = position_of(message), RETRY_S[0], 0.0
                    yield message
                    if is_last(message):
                        return
            except grpc.RpcError as error:
                lost_at = lost_at or time.monotonic()
                if error.code() not in BROKEN or time.monotonic() - lost_at > self._patience_s:
                    raise _raised(error, self.address) from None
            time.sleep(wait_s)
            wait_s = min(2 * wait_s, RETRY_S[1])

    def _call(self, method: Callable[..., Response], request: Any) -> Response:
        try:
            return method(request, timeout=DEADLINE_S)
        except grpc.RpcError as error:
            raise _raised(error, self.address) from None


def _spec(job: str | Path | Mapping[str, Any] | JobSpec) -> tuple[JobSpec, list[Problem]]:
    if isinstance(job, JobSpec):
        return job, []
    return jobfile.parse(dict(job)) if isinstance(job, Mapping) else jobfile.read(job)


def _points(message: metrics.WatchMetricsResponse) -> Iterator[Point]:
    """The rows of one message, each with a cursor of its own."""
    base, _, skipped = message.cursor_before.partition(":")
    last = len(message.points.steps) - 1
    for row, (step, when) in enumerate(zip(message.points.steps, message.points.times)):
        values = {column.series: column.values[row] for column in message.points.columns}
        yield Point(step, when, values, message.cursor if row == last else f"{base}:{int(skipped or 0) + row + 1}")


def _raised(error: grpc.RpcError, address: str) -> Exception:
    """The exception of ours that a status stands for."""
    status = rpc_status.from_call(error)
    info, request = ErrorInfo(), BadRequest()
    for detail in status.details if status else ():
        detail.Unpack(info) or detail.Unpack(request)
    if info.reason == "INVALID_FIELD":
        return InvalidInput([Problem(violation.field, violation.description) for violation in request.field_violations])
    if info.reason in CATALOGUE:
        return Refusal(info.reason, **info.metadata)
    if sizes := TOO_LARGE.search(error.details() or ""):
        return Refusal("MESSAGE_TOO_LARGE", size=sizes[1], limit=sizes[2])
    if error.code() is grpc.StatusCode.UNAVAILABLE:
        return Unavailable(channel.trouble(error.details(), address))
    return Unavailable(f"the coordinator at {address} answered {error.code().name}: {error.details()}")
