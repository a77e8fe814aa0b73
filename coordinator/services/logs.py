"""LogService."""

from bptrain.v1.log_service_pb2_grpc import LogServiceServicer
from coordinator.app import App
from coordinator.services.translate import translated


class Logs(LogServiceServicer):
    def __init__(self, app: App):
        self._app = app

    @translated
    async def ReadLogs(self, request, context):
        async for message in self._app.logs(request.job_id, request.offset_bytes, request.follow):
            yield message
