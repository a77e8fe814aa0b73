"""MetricService."""

from bptrain.v1.metric_service_pb2_grpc import MetricServiceServicer
from coordinator.services.translate import translated
from coordinator.views.metrics import Metrics as View


class Metrics(MetricServiceServicer):
    def __init__(self, view: View):
        self._view = view

    @translated
    async def ListSeries(self, request, context):
        return await self._view.list_series(request)

    @translated
    async def QueryMetrics(self, request, context):
        return await self._view.query(request)

    @translated
    async def WatchMetrics(self, request, context):
        async for message in self._view.watch(request):
            yield message

    @translated
    async def ExportMetrics(self, request, context):
        async for message in self._view.export(request):
            yield message
