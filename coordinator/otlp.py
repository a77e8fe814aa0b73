"""OpenTelemetry traces, over OTLP and gRPC to a collector.

1. Nothing waits for the collector: spans go out in batches from a thread of their own, and are dropped where it stays away.
2. A call is a part of its caller's trace where that gave a `traceparent`.
3. A span has method, job and reason of a refusal; nothing else of a request, and nothing of a token.
4. An attempt's span is made when it has ended, of what the ranks reported: so it is whole also where the coordinator was away.
"""

import importlib.metadata
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span as OtlpSpan
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from bptrain.v1.report_pb2 import AttemptEnded, Report
from coordinator.traces import Span, Traces

PATIENCE_S = 3  # with a collector
LONGEST = 64  # of a job's id

logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # else it tells of every batch that a collector does not take


class Told(Span):
    def __init__(self, span: OtlpSpan):
        self._span = span

    def failed(self, reason: str) -> None:
        self._span.set_attribute("bptrain.reason", reason)
        self._span.set_status(StatusCode.ERROR, reason)


class Otlp(Traces):
    wanted = True

    def __init__(self, endpoint: str):
        resource = Resource.create({"service.name": "bptrain", "service.version": importlib.metadata.version("bptrain")})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        exporter = OTLPSpanExporter(endpoint, insecure=not endpoint.startswith("https://"), timeout=PATIENCE_S)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer, self._propagator = self._provider.get_tracer("bptrain"), TraceContextTextMapPropagator()

    @contextmanager
    def call(self, method: str, parent: str, request: Any) -> Iterator[Span]:
        job = str(getattr(request, "id", "") or getattr(request, "job_id", ""))[:LONGEST]
        attributes = {"rpc.system": "grpc", "rpc.method": method} | ({"bptrain.job.id": job} if job else {})
        context = self._propagator.extract({"traceparent": parent})
        span = self._tracer.start_span(method, context, SpanKind.SERVER, attributes)
        try:
            yield Told(span)
        finally:
            span.end()

    def attempt(self, job_id: str, name: str, reports: Sequence[Report]) -> None:
        number = max((report.attempt for report in reports), default=0)
        mine = [report for report in reports if report.attempt == number]
        started = next((report for report in mine if report.HasField("started")), None)
        if started is None:
            return
        last = mine[-1]
        attributes = {"bptrain.job.id": job_id, "bptrain.job.name": name, "bptrain.attempt": number, "bptrain.ranks": len(started.started.ranks),
                      "bptrain.first_step": started.started.first_step}
        span = self._tracer.start_span("attempt", self._propagator.extract({}), SpanKind.INTERNAL, attributes, start_time=_ns(started.time))
        for report in mine:
            if (kind := report.WhichOneof("event")) in ("checkpoint", "crew", "checkpoint_failed"):
                span.add_event(kind, {"bptrain.step": getattr(report, kind).step}, _ns(report.time))
        whole = last.HasField("ended") and last.ended.outcome != AttemptEnded.OUTCOME_FAILED
        span.set_status(StatusCode.OK if whole else StatusCode.ERROR, None if whole else last.ended.cause or "cut off")
        span.end(_ns(last.time))

    def close(self) -> None:
        self._provider.shutdown()


def _ns(seconds: float) -> int:
    return int(seconds * 1e9)
