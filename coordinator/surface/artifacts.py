"""Files of a job, by name."""

from collections.abc import Iterator, Sequence
from functools import cached_property

from bptrain.v1 import artifact_service_pb2 as files
from bptrain.v1.artifact_service_pb2_grpc import ArtifactServiceStub
from coordinator.surface.asking import Asking, fresh_id


class Artifacts(Asking):
    """Checkpoints, journal, log."""

    @cached_property
    def _artifacts(self) -> ArtifactServiceStub:
        return ArtifactServiceStub(self._channel)

    def artifacts(self, job_id: str) -> Sequence[files.Artifact]:
        """Files of a job: checkpoints, journal, log."""
        return self._call(self._artifacts.ListArtifacts, files.ListArtifactsRequest(job_id=job_id), lambda response: response.artifacts)

    def artifact(self, job_id: str, name: str) -> files.Artifact:
        """One of them, with its SHA-256."""
        return self._call(self._artifacts.GetArtifact, files.GetArtifactRequest(job_id=job_id, name=name), lambda response: response.artifact)

    def delete_artifact(self, job_id: str, name: str, force: bool = False, validate_only: bool = False) -> Sequence[files.Artifact]:
        """Removes a checkpoint (such as checkpoints/step-00000460) or the log of a job without ranks; its files. `force`: also
        the newest or best one of a job that has ended. Raises Refusal ARTIFACT_NEEDED."""
        request = files.DeleteArtifactRequest(job_id=job_id, name=name, force=force, request_id=fresh_id(), validate_only=validate_only)
        return self._call(self._artifacts.DeleteArtifact, request, lambda response: response.artifacts)

    def download(self, job_id: str, name: str, offset_bytes: int = 0) -> Iterator[bytes]:
        """Its content from an offset on, across reconnects."""

        def request(offset: int) -> files.DownloadArtifactRequest:
            return files.DownloadArtifactRequest(job_id=job_id, name=name, offset_bytes=offset)

        return self._stream(self._artifacts.DownloadArtifact, request, offset_bytes, lambda message: message.offset_bytes,
                            lambda message: message.ended, lambda message: [message.content])
