"""The link to the coordinator: reports go up, commands come down.

1. Training never waits for it. The journal is its memory: it sends what the coordinator does not have
   yet, after every break from where the coordinator says it is.
2. It lives in a thread of rank 0 and tries again for as long as the training lasts.
"""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import grpc

from bptrain.v1.plan_pb2 import RunPlan
from bptrain.v1.report_pb2 import Report
from bptrain.v1.worker_service_pb2 import AttachRequest, Command, Hello, ReportBatch
from bptrain.v1.worker_service_pb2_grpc import WorkerServiceStub
from worker.control import Control
from worker.record.journal import Tail

BATCH_BYTES = 256 << 10
RETRY_S = (0.2, 5.0)  # first wait after a break, longest wait
KEEPALIVE = [("grpc.keepalive_time_ms", 30_000), ("grpc.enable_http_proxy", 0)]


class Link:
    def __init__(self, address: str, plan: RunPlan, journal: Path, control: Control):
        self._address, self._plan, self._journal, self._control = address, plan, journal, control
        self._changed = threading.Condition()
        self._acknowledged = 0
        self._news = 0
        self._closing = False
        self._refused = False
        self._thread = threading.Thread(target=self._run, name="link", daemon=True)
        self._thread.start()

    def notify(self) -> None:
        """There is something new in the journal."""
        with self._changed:
            self._news += 1
            self._changed.notify_all()

    def close(self, sequence: int, timeout_s: float = 5.0) -> bool:
        """Waits until the coordinator has everything up to `sequence`; whether it has."""
        with self._changed:
            delivered = self._changed.wait_for(lambda: self._acknowledged >= sequence or self._refused, timeout_s)
            self._closing = True
            self._changed.notify_all()
        self._thread.join(1.0)
        return delivered and not self._refused

    def _run(self) -> None:
        wait_s = RETRY_S[0]
        while not self._closing and not self._refused:
            began = time.monotonic()
            with grpc.insecure_channel(self._address, options=KEEPALIVE) as channel:
                try:
                    self._attached(WorkerServiceStub(channel).Attach)
                except grpc.RpcError as error:
                    # Another attempt has taken over: go on training, report to the journal alone.
                    self._refused = error.code() is grpc.StatusCode.PERMISSION_DENIED
            wait_s = RETRY_S[0] if time.monotonic() - began > RETRY_S[1] else min(2 * wait_s, RETRY_S[1])
            with self._changed:
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._closing, wait_s)

    def _attached(self, attach: grpc.StreamStreamMultiCallable) -> None:
        """One call, until it breaks or the link is closed."""
        call = _Call()
        responses = attach(self._requests(call))
        try:
            for response in responses:
                if response.HasField("command"):
                    self._obey(response.command)
                    continue
                with self._changed:
                    self._acknowledged = response.acknowledgement.sequence
                    call.welcomed = True
                    self._changed.notify_all()
        finally:
            with self._changed:
                call.over = True
                self._changed.notify_all()
            responses.cancel()

    def _obey(self, command: Command) -> None:
        if command.HasField("leave"):
            self._control.ask_leave()
        else:
            self._control.ask_stop(command.stop.cause, command.stop.discard)

    def _requests(self, call: "_Call") -> Iterator[AttachRequest]:
        plan = self._plan
        yield AttachRequest(hello=Hello(job_id=plan.job_id, attempt=plan.attempt, token=plan.token))
        with self._changed:
            self._changed.wait_for(lambda: call.welcomed or call.over or self._closing)
        tail, after = Tail(self._journal), self._acknowledged
        while not call.over and not self._closing:
            seen = self._news
            for batch in _batches(report for report in tail.read() if report.sequence > after):
                yield AttachRequest(reports=batch)
            with self._changed:
                self._changed.wait_for(lambda: self._news != seen or call.over or self._closing)


class _Call:
    """What the two directions of one call tell each other."""

    welcomed = False
    over = False


def _batches(reports: Iterator[Report]) -> Iterator[ReportBatch]:
    batch, size = ReportBatch(), 0
    for report in reports:
        if size and size + report.ByteSize() > BATCH_BYTES:
            yield batch
            batch, size = ReportBatch(), 0
        batch.reports.append(report)
        size += report.ByteSize()
    if size:
        yield batch
