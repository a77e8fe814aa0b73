"""ArtifactService."""

from bptrain.v1.artifact_service_pb2_grpc import ArtifactServiceServicer
from coordinator.removing import Removing
from coordinator.services.translate import translated
from coordinator.views.artifacts import Artifacts as View


class Artifacts(ArtifactServiceServicer):
    def __init__(self, view: View, removing: Removing):
        self._view, self._removing = view, removing

    @translated
    async def ListArtifacts(self, request, context):
        return await self._view.list(request)

    @translated
    async def GetArtifact(self, request, context):
        return await self._view.get(request)

    @translated
    async def DownloadArtifact(self, request, context):
        async for message in self._view.download(request):
            yield message

    @translated
    async def DeleteArtifact(self, request, context):
        return await self._removing.delete(request)
