"""LogService."""

from bptrain.v1.log_service_pb2_grpc import LogServiceServicer
from coordinator.services.translate import translated
from coordinator.views.logs import Logs as View


class Logs(LogServiceServicer):
    def __init__(self, view: View):
        self._view = view

    @translated
    async def ReadLogs(self, request, context):
        return await self._view.read(request)

    @translated
    async def WatchLogs(self, request, context):
        async for message in self._view.watch(request):
            yield message
