"""ClusterService."""

from bptrain.v1.cluster_service_pb2_grpc import ClusterServiceServicer
from coordinator.services.translate import translated
from coordinator.views.cluster import Cluster as View


class Cluster(ClusterServiceServicer):
    def __init__(self, view: View):
        self._view = view

    @translated
    async def GetServerInfo(self, request, context):
        return await self._view.info()

    @translated
    async def GetQueue(self, request, context):
        return await self._view.queue()

    @translated
    async def RenderLaunch(self, request, context):
        return await self._view.render(request.job_id)
