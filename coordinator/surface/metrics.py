"""What is known of a job's curves, and what there is to come."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any

from bptrain.v1 import metric_service_pb2 as metrics
from bptrain.v1.metric_service_pb2_grpc import MetricServiceStub
from coordinator import answers
from coordinator.answers import Notice, Point, Told, untold
from coordinator.surface.asking import Asking


class Metrics(Asking):
    """Curves, as they are and as they grow."""

    @cached_property
    def _metrics(self) -> MetricServiceStub:
        return MetricServiceStub(self._channel)

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

    def watch(self, job_id: str, cursor: str = "", told: Told = untold) -> Iterator[Point | Notice]:
        """Every step once, in order, as it is committed, and what else happens; the last is `ended`.

        Each has a `cursor`: hand it to another `watch` to go on behind it. `told` is called with a Line when the line breaks,
        and when it is back.
        """
        return self._watched(job_id, cursor, answers.events, told)

    def messages(self, job_id: str, cursor: str = "", told: Told = untold) -> Iterator[metrics.WatchMetricsResponse]:
        """The same as the messages of the wire: many steps in each."""
        return self._watched(job_id, cursor, lambda message: [message], told)

    def _watched(self, job_id: str, cursor: str, take: Callable[[Any], Iterable], told: Told) -> Iterator[Any]:
        return self._stream(self._metrics.WatchMetrics, lambda position: metrics.WatchMetricsRequest(job_id=job_id, cursor=position), cursor,
                            lambda message: message.cursor, lambda message: message.HasField("ended"), take, told)
