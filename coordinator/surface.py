"""Everything that can be asked of a coordinator, once for both clients.

1. A method says which call with which request, and what of the answer is the result; how to call and to wait is the
   client's (client.py blocks, aio.py awaits). So with AsyncClient every result is awaited, every iterator is async.
2. Every call that changes something carries a request id: on a broken line it is safe to repeat.
"""

import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask

from bpcore.errors import InvalidInput, Problem, unless_known
from bptrain.v1 import admin_service_pb2 as admin
from bptrain.v1 import artifact_service_pb2 as files
from bptrain.v1 import cluster_service_pb2 as cluster
from bptrain.v1 import job_service_pb2 as jobs
from bptrain.v1 import log_service_pb2 as logs
from bptrain.v1 import metric_service_pb2 as metrics
from bptrain.v1 import predict_service_pb2 as predict
from bptrain.v1.admin_service_pb2_grpc import AdminServiceStub
from bptrain.v1.artifact_service_pb2_grpc import ArtifactServiceStub
from bptrain.v1.cluster_service_pb2_grpc import ClusterServiceStub
from bptrain.v1.job_service_pb2_grpc import JobServiceStub
from bptrain.v1.log_service_pb2_grpc import LogServiceStub
from bptrain.v1.metric_service_pb2_grpc import MetricServiceStub
from bptrain.v1.predict_service_pb2_grpc import PredictServiceStub
from bptrain.v1.spec_pb2 import JobSpec
from coordinator import answers
from coordinator.answers import Notice, Point, Predicted
from coordinator.endpoint import Endpoint
from coordinator.limits import LONGEST_WAIT_S
from worker import jobfile

DEADLINE_S = 60.0
JobLike = str | Path | Mapping[str, Any] | JobSpec


def next_page(page: Any, request: Any) -> bool:
    """Makes the request that of the next page; whether there is one."""
    request.page_token = page.next_page_token
    return bool(page.next_page_token)


class Surface(ABC):
    """Talks to one coordinator. `address`: HOST:PORT, default $BPTRAIN_COORDINATOR or 127.0.0.1:7421; token and
    certificates then come from the environment, or all from an Endpoint (coordinator/endpoint.py).

    `patience_s`: how long streams try to reconnect before they raise Unavailable.
    """

    def __init__(self, address: str | Endpoint = "", patience_s: float = 300.0):
        endpoint = address if isinstance(address, Endpoint) else Endpoint.of(address)
        self.address, self._patience_s = endpoint.address, patience_s
        self._channel = self._opened(endpoint)
        self._metadata = [("authorization", f"bearer {endpoint.token}")] if endpoint.token else []
        self._jobs, self._metrics, self._logs, self._artifacts, self._predictions, self._cluster, self._admin = (
            stub(self._channel) for stub in (JobServiceStub, MetricServiceStub, LogServiceStub, ArtifactServiceStub, PredictServiceStub,
                                             ClusterServiceStub, AdminServiceStub))

    # How each client does it.

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
                is_last: Callable[[Any], bool], take: Callable[[Any], Iterable]) -> Iterator[Any]:
        """`take(message)` of the messages of a stream across reconnects, up to its last one."""

    @abstractmethod
    def _pieces(self, method: Callable, request: Any, take: Callable[[Any], Any]) -> Iterator[Any]:
        """`take(piece)` of a stream that ends by itself and is not taken up again."""

    # Jobs.

    # With `validate_only` a call is checked as if it were meant, and nothing is done: the job as it would be.

    def submit(self, job: JobLike, validate_only: bool = False) -> jobs.Job:
        """Hands in a job: a job file's path, its content as a dict, or a JobSpec.

        Raises InvalidInput with every problem; nothing is stored then.
        """
        spec, problems = _spec(job)

        def refused(error: Exception) -> Exception:
            return InvalidInput(problems + unless_known(problems, error.problems)) if isinstance(error, InvalidInput) else error

        def take(response: jobs.SubmitJobResponse) -> jobs.Job:
            if problems:
                raise InvalidInput(problems)
            return response.job

        request = jobs.SubmitJobRequest(spec=spec, request_id=_fresh(), validate_only=validate_only or bool(problems))
        return self._call(self._jobs.SubmitJob, request, take, refused)

    def get(self, job_id: str) -> jobs.Job:
        """One job as it stands. Raises Refusal JOB_NOT_FOUND."""
        return self._call(self._jobs.GetJob, jobs.GetJobRequest(id=job_id), _job)

    def list(self, filter: str = "", show_deleted: bool = False) -> Iterator[jobs.Job]:
        """Jobs, newest first. `filter`: such as `state = RUNNING AND label.team = vision` (protos, ListJobsRequest)."""
        return self._pages(self._jobs.ListJobs, jobs.ListJobsRequest(filter=filter, show_deleted=show_deleted), lambda page: page.jobs)

    def update(self, job_id: str, etag: str = "", validate_only: bool = False, **fields: Any) -> jobs.Job:
        """Changes `labels`, `priority`, `time_limit_s` or `deadline`; None goes back to the default. `etag`: of the job as
        you saw it. Raises InvalidInput, Refusal ETAG_MISMATCH."""
        spec, mask = _patch(fields)
        request = jobs.UpdateJobRequest(id=job_id, etag=etag, spec=spec, update_mask=mask, request_id=_fresh(), validate_only=validate_only)
        return self._call(self._jobs.UpdateJob, request, _job)

    def pause(self, job_id: str, validate_only: bool = False) -> jobs.Job:
        """Takes it off its ranks, with a checkpoint; returns at once."""
        return self._call(self._jobs.PauseJob, jobs.PauseJobRequest(id=job_id, request_id=_fresh(), validate_only=validate_only), _job)

    def resume(self, job_id: str, ranks: int = 0, validate_only: bool = False) -> jobs.Job:
        """Lets a paused job go on, with another number of ranks if you like; the bits stay the same."""
        return self._call(self._jobs.ResumeJob, jobs.ResumeJobRequest(id=job_id, ranks=ranks, request_id=_fresh(), validate_only=validate_only), _job)

    def cancel(self, job_id: str, mode: str = "checkpoint", validate_only: bool = False) -> jobs.Job:
        """Ends a job; returns at once. `mode`: checkpoint, step (without one) or now (killed)."""
        request = jobs.CancelJobRequest(id=job_id, mode=f"CANCEL_MODE_{mode.upper()}", request_id=_fresh(), validate_only=validate_only)
        return self._call(self._jobs.CancelJob, request, _job)

    def retry(self, job_id: str, validate_only: bool = False) -> jobs.Job:
        """Lets a failed or cancelled job go on from its newest checkpoint."""
        return self._call(self._jobs.RetryJob, jobs.RetryJobRequest(id=job_id, request_id=_fresh(), validate_only=validate_only), _job)

    def fork(self, job_id: str, step: int = 0, changes: Mapping[str, Any] | None = None, validate_only: bool = False) -> jobs.Job:
        """A new job from a kept checkpoint of another (0: the newest). `changes`: keys of a job file and their new values,
        such as {"optimizer": {"adam": {"learning_rate": 1e-4}}}. Raises InvalidInput, Refusal CHECKPOINT_NOT_FOUND."""
        spec, mask = _patch(changes or {})
        request = jobs.ForkJobRequest(id=job_id, step=step, spec=spec, update_mask=mask, request_id=_fresh(), validate_only=validate_only)
        return self._call(self._jobs.ForkJob, request, _job)

    def delete(self, job_id: str, force: bool = False, validate_only: bool = False) -> jobs.Job:
        """Takes a job that has ended out of the lists; `force`: also one that has not, which is killed."""
        return self._call(self._jobs.DeleteJob, jobs.DeleteJobRequest(id=job_id, force=force, request_id=_fresh(), validate_only=validate_only), _job)

    def undelete(self, job_id: str, validate_only: bool = False) -> jobs.Job:
        """Brings a deleted job back, until its `purge_time`."""
        return self._call(self._jobs.UndeleteJob, jobs.UndeleteJobRequest(id=job_id, request_id=_fresh(), validate_only=validate_only), _job)

    def resize(self, job_id: str, ranks: int, validate_only: bool = False) -> jobs.Job:
        """Lets a running job go on with another number of ranks, with the same bits; returns at once.

        Raises InvalidInput for a number that its shards or the coordinator's slots do not allow, Refusal when the job
        does not run or other jobs have the slots.
        """
        return self._call(self._jobs.ResizeJob, jobs.ResizeJobRequest(id=job_id, ranks=ranks, request_id=_fresh(), validate_only=validate_only), _job)

    def wait(self, job_id: str, states: Sequence[str] = (), timeout_s: float = LONGEST_WAIT_S) -> jobs.Job:
        """The job, once it is in one of these states (RUNNING, PAUSED …; none: it has ended), or as it is when the time is
        up."""
        names = [f"JOB_STATE_{state.upper()}" for state in states]
        return self._call(self._jobs.WaitJob, jobs.WaitJobRequest(id=job_id, states=names, timeout_s=timeout_s), _job,
                          deadline_s=min(timeout_s, LONGEST_WAIT_S) + DEADLINE_S)

    def changes(self, cursor: str = "", progress: bool = False) -> Iterator[jobs.WatchJobsResponse]:
        """Every change of every job, once, in order, from now on or behind a cursor ("0": the oldest kept). Never ends.
        `progress`: also, about once a second, those that have come further, and with everything the job as it is then."""
        return self._stream(self._jobs.WatchJobs, lambda position: jobs.WatchJobsRequest(cursor=position, progress=progress), cursor,
                            lambda message: message.cursor, lambda message: False, lambda message: [message] if message.job_id else [])

    # Curves and logs.

    def curve(self, job_id: str, series: Sequence[str] = (), max_points: int = 0) -> dict[str, metrics.Curve]:
        """The curves so far, by series; at most `max_points` each (0: all)."""
        request = metrics.QueryMetricsRequest(job_ids=[job_id], series=series, max_points=max_points)
        return self._call(self._metrics.QueryMetrics, request, lambda response: {curve.series: curve for curve in response.curves})

    def curves(self, job_ids: Sequence[str], series: Sequence[str] = (), max_points: int = 0, first_step: int = 0,
               last_step: int | None = None) -> Sequence[metrics.Curve]:
        """The curves of several jobs between two steps, job after job, each with how many points it has there."""
        request = metrics.QueryMetricsRequest(job_ids=job_ids, series=series, max_points=max_points, first_step=first_step, last_step=last_step)
        return self._call(self._metrics.QueryMetrics, request, lambda response: response.curves)

    def series(self, job_id: str) -> Sequence[metrics.Series]:
        """What a job has curves of."""
        return self._call(self._metrics.ListSeries, metrics.ListSeriesRequest(job_id=job_id), lambda response: response.series)

    def export_metrics(self, job_id: str, series: Sequence[str] = (), form: int = metrics.ExportMetricsRequest.FORMAT_CSV) -> Iterator[bytes]:
        """Every point, as pieces of a file."""
        request = metrics.ExportMetricsRequest(job_id=job_id, series=series, format=form)
        return self._pieces(self._metrics.ExportMetrics, request, lambda piece: piece.content)

    def watch(self, job_id: str, cursor: str = "") -> Iterator[Point | Notice]:
        """Every step once, in order, as it is committed, and what else happens; the last is `ended`.

        Each has a `cursor`: hand it to another `watch` to go on behind it.
        """
        return self._watched(job_id, cursor, answers.events)

    def messages(self, job_id: str, cursor: str = "") -> Iterator[metrics.WatchMetricsResponse]:
        """The same as the messages of the wire: many steps in each."""
        return self._watched(job_id, cursor, lambda message: [message])

    def _watched(self, job_id: str, cursor: str, take: Callable[[Any], Iterable]) -> Iterator[Any]:
        return self._stream(self._metrics.WatchMetrics, lambda position: metrics.WatchMetricsRequest(job_id=job_id, cursor=position), cursor,
                            lambda message: message.cursor, lambda message: message.HasField("ended"), take)

    def logs(self, job_id: str, follow: bool = False, ranks: Sequence[int] = (), level: int = 0, contains: str = "") -> Iterator[logs.LogLine]:
        """What the ranks printed, line by line; with `follow` until the job has ended."""
        chosen = logs.LogFilter(ranks=ranks, level=level, contains=contains)
        if not follow:
            return self._pages(self._logs.ReadLogs, logs.ReadLogsRequest(job_id=job_id, filter=chosen), lambda page: page.lines, _further)
        return self._stream(self._logs.WatchLogs, lambda offset: logs.WatchLogsRequest(job_id=job_id, offset_bytes=offset, filter=chosen), 0,
                            lambda message: message.offset_bytes, lambda message: message.ended, lambda message: message.lines)

    # Files.

    def artifacts(self, job_id: str) -> Sequence[files.Artifact]:
        """Files of a job: checkpoints, journal, log."""
        return self._call(self._artifacts.ListArtifacts, files.ListArtifactsRequest(job_id=job_id), lambda response: response.artifacts)

    def artifact(self, job_id: str, name: str) -> files.Artifact:
        """One of them, with its SHA-256."""
        return self._call(self._artifacts.GetArtifact, files.GetArtifactRequest(job_id=job_id, name=name), lambda response: response.artifact)

    def download(self, job_id: str, name: str, offset_bytes: int = 0) -> Iterator[bytes]:
        """Its content from an offset on, across reconnects."""

        def request(offset: int) -> files.DownloadArtifactRequest:
            return files.DownloadArtifactRequest(job_id=job_id, name=name, offset_bytes=offset)

        return self._stream(self._artifacts.DownloadArtifact, request, offset_bytes, lambda message: message.offset_bytes,
                            lambda message: message.ended, lambda message: [message.content])

    # Predictions.

    def predict(self, job_id: str, data: str | Path | Mapping[str, Any] = "eval", batch_size: int = 0) -> Iterator[Predicted]:
        """What the newest checkpoint says of samples, batch by batch. `data`: train, eval, a file or folder below the
        coordinator's data root, or a data set as in a job file; a Path is a file of yours, which is sent along; a mapping
        is arrays by field, (samples, …). Raises InvalidInput, Refusal CHECKPOINT_NOT_FOUND."""
        request = predict.PredictRequest(job_id=job_id, batch_size=batch_size)
        if isinstance(data, Path):
            request.content, request.file = data.read_bytes(), data.name
        elif isinstance(data, Mapping):
            request.content, request.file, request.data = answers.archive(data), "samples.npz", "{npz: {path: samples.npz}}"
        else:
            request.data = data
        return self._pieces(self._predictions.Predict, request, Predicted.of)

    # The coordinator.

    def info(self) -> cluster.GetServerInfoResponse:
        """What it is and allows: versions, limits, features."""
        return self._call(self._cluster.GetServerInfo, cluster.GetServerInfoRequest(), lambda response: response)

    def queue(self) -> cluster.GetQueueResponse:
        """Slots, the jobs that have them, and those that wait."""
        return self._call(self._cluster.GetQueue, cluster.GetQueueRequest(), lambda response: response)

    def launch_line(self, job_id: str) -> str:
        """The exact command that starts a job's ranks."""
        return self._call(self._cluster.RenderLaunch, cluster.RenderLaunchRequest(job_id=job_id), lambda response: response.line)

    # Tokens and the audit trail.

    def create_token(self, name: str, scope: int, lifetime_s: int) -> admin.CreateTokenResponse:
        """A new token; `.secret` is what its holder shows, and stands nowhere else."""
        return self._call(self._admin.CreateToken, admin.CreateTokenRequest(name=name, scope=scope, lifetime_s=lifetime_s), lambda response: response)

    def tokens(self) -> Sequence[admin.Token]:
        """All that there are or were, oldest first."""
        return self._call(self._admin.ListTokens, admin.ListTokensRequest(), lambda response: response.tokens)

    def revoke_token(self, name: str) -> admin.Token:
        """Refused from the next call on."""
        return self._call(self._admin.RevokeToken, admin.RevokeTokenRequest(name=name), lambda response: response.token)

    def create_backup(self) -> admin.Backup:
        """A copy of the coordinator's store, whole and on disk."""
        return self._call(self._admin.CreateBackup, admin.CreateBackupRequest(), lambda response: response.backup)

    def check_store(self) -> admin.CheckStoreResponse:
        """What is wrong with the store, and which copies there are."""
        return self._call(self._admin.CheckStore, admin.CheckStoreRequest(), lambda response: response)

    def audit(self) -> Iterator[admin.AuditRecord]:
        """Who changed what, newest first."""
        return self._pages(self._admin.ListAudit, admin.ListAuditRequest(), lambda page: page.records)


def _further(page: logs.ReadLogsResponse, request: logs.ReadLogsRequest) -> bool:
    request.offset_bytes = page.offset_bytes
    return page.more


def _job(response: Any) -> jobs.Job:
    return response.job


def _fresh() -> str:
    return str(uuid.uuid4())


def _spec(job: JobLike) -> tuple[JobSpec, list[Problem]]:
    if isinstance(job, JobSpec):
        return job, []
    return jobfile.parse(dict(job)) if isinstance(job, Mapping) else jobfile.read(job)


def _patch(fields: Mapping[str, Any]) -> tuple[JobSpec, FieldMask]:
    """Raises InvalidInput."""
    spec, problems = jobfile.parse(dict(fields))
    if problems:
        raise InvalidInput(problems)
    return spec, FieldMask(paths=fields)
