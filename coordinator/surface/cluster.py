"""The coordinator itself: what it is, who has its slots, how it starts ranks."""

from functools import cached_property

from bptrain.v1 import cluster_service_pb2 as cluster
from bptrain.v1.cluster_service_pb2_grpc import ClusterServiceStub
from coordinator.surface.asking import Asking


class Cluster(Asking):
    """The same for every job."""

    @cached_property
    def _cluster(self) -> ClusterServiceStub:
        return ClusterServiceStub(self._channel)

    def info(self) -> cluster.GetServerInfoResponse:
        """What it is and allows: versions, limits, features."""
        return self._call(self._cluster.GetServerInfo, cluster.GetServerInfoRequest(), lambda response: response)

    def queue(self) -> cluster.GetQueueResponse:
        """Slots, the jobs that have them, and those that wait."""
        return self._call(self._cluster.GetQueue, cluster.GetQueueRequest(), lambda response: response)

    def launch_line(self, job_id: str) -> str:
        """The exact command that starts a job's ranks."""
        return self._call(self._cluster.RenderLaunch, cluster.RenderLaunchRequest(job_id=job_id), lambda response: response.line)
