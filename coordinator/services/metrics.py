"""MetricService."""

from bptrain.v1 import metric_service_pb2 as pb
from bptrain.v1.metric_service_pb2_grpc import MetricServiceServicer
from coordinator.app import App
from coordinator.services.translate import translated


class Metrics(MetricServiceServicer):
    def __init__(self, app: App):
        self._app = app

    @translated
    async def QueryMetrics(self, request, context):
        return pb.QueryMetricsResponse(curves=await self._app.query(request.job_id, list(request.series), request.max_points))

    @translated
    async def WatchMetrics(self, request, context):
        async for message in self._app.watch(request.job_id, request.cursor):
            yield message
