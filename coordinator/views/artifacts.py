"""What ArtifactService answers: to gRPC, and the same to the browser.

A name is good for what the list shows: job, log, journal, and the files of checkpoints. What else is in a run's folder
(the token of its ranks) is for nobody.
"""

import asyncio
import hashlib
import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from bptrain.v1 import artifact_service_pb2 as pb
from bptrain.v1.artifact_service_pb2 import Artifact
from coordinator.errors import Refusal
from coordinator.store import jobs
from coordinator.store.database import Database
from coordinator.views import files
from worker.record.checkpoint import MANIFEST

CHUNK_BYTES = 256 << 10
MANIFEST_BYTES = 16 << 20  # no honest one is longer
SINGLE = {"job.json": pb.ARTIFACT_KIND_JOB, "log": pb.ARTIFACT_KIND_LOG, "journal": pb.ARTIFACT_KIND_JOURNAL}
CHECKPOINT = re.compile(r"checkpoints/step-(\d{8,18})/([a-z]+\.(?:safetensors|json))", re.ASCII)


class Artifacts:
    def __init__(self, database: Database):
        self._database = database

    async def list(self, request: pb.ListArtifactsRequest) -> pb.ListArtifactsResponse:
        """Raises Refusal JOB_NOT_FOUND."""
        folder = await self._folder(request.job_id)
        return pb.ListArtifactsResponse(artifacts=await asyncio.to_thread(listed, folder))

    async def get(self, request: pb.GetArtifactRequest) -> pb.GetArtifactResponse:
        """Raises Refusal JOB_NOT_FOUND, ARTIFACT_NOT_FOUND."""
        folder = await self._folder(request.job_id)
        found = await asyncio.to_thread(_described, folder, request.name)
        if found is None:
            raise Refusal("ARTIFACT_NOT_FOUND", job=request.job_id)
        found.sha256 = found.sha256 or await asyncio.to_thread(_sha256, folder, request.name, found.size_bytes)
        return pb.GetArtifactResponse(artifact=found)

    async def download(self, request: pb.DownloadArtifactRequest) -> AsyncIterator[pb.DownloadArtifactResponse]:
        """As much as there is at the beginning. Raises Refusal JOB_NOT_FOUND, ARTIFACT_NOT_FOUND."""
        folder, offset = await self._folder(request.job_id), request.offset_bytes
        with _opened(folder, request) as file:  # held open, so that it is one file from end to end
            size = file.seek(0, 2)
            while offset < size and (content := await asyncio.to_thread(_piece, file, offset, min(CHUNK_BYTES, size - offset))):
                offset += len(content)
                yield pb.DownloadArtifactResponse(content=content, offset_bytes=offset)
        yield pb.DownloadArtifactResponse(offset_bytes=offset, ended=True)

    async def _folder(self, job_id: str) -> Path:
        return Path((await self._database.read(lambda connection: jobs.get(connection, job_id)))["run_dir"])


@contextmanager
def _opened(folder: Path, request: pb.DownloadArtifactRequest) -> Iterator[BinaryIO]:
    """Raises Refusal ARTIFACT_NOT_FOUND for what is not there, or is nobody's."""
    with ExitStack() as stack:
        try:
            if not (request.name in SINGLE or CHECKPOINT.fullmatch(request.name)):
                raise FileNotFoundError(request.name)
            file = stack.enter_context(files.opened(folder, request.name))
        except OSError:
            raise Refusal("ARTIFACT_NOT_FOUND", job=request.job_id) from None
        yield file


def listed(folder: Path) -> list[Artifact]:
    """By name."""
    names = [*SINGLE, *(str(path.relative_to(folder)) for path in folder.glob("checkpoints/step-*/*"))]
    sums: dict[str, dict[str, str]] = {}  # of each checkpoint, read once
    return [found for name in sorted(names) if (found := _described(folder, name, sums))]


def _described(folder: Path, name: str, sums: dict[str, dict[str, str]] | None = None) -> Artifact | None:
    """None for what is not there, or is nobody's."""
    checkpoint = CHECKPOINT.fullmatch(name)
    if name not in SINGLE and not checkpoint:
        return None
    try:
        with files.opened(folder, name) as file:
            size = file.seek(0, 2)
    except OSError:
        return None
    if not checkpoint:
        return Artifact(name=name, kind=SINGLE[name], size_bytes=size)
    place, known = name.rpartition("/")[0], {} if sums is None else sums
    if place not in known:
        known[place] = _manifest(folder, place)
    return Artifact(name=name, kind=pb.ARTIFACT_KIND_CHECKPOINT, size_bytes=size, step=int(checkpoint[1]), sha256=known[place].get(checkpoint[2], ""))


def _manifest(folder: Path, place: str) -> dict[str, str]:
    """File → SHA-256, as the checkpoint says; nothing where it is damaged."""
    try:
        with files.opened(folder, f"{place}/{MANIFEST}") as file:
            said = json.loads(file.read(MANIFEST_BYTES))["sha256"]
        return {name: value for name, value in said.items() if isinstance(value, str)}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _sha256(folder: Path, name: str, size: int) -> str:
    """Of the first `size` bytes."""
    found = hashlib.sha256()
    try:
        with files.opened(folder, name) as file:
            while size > 0 and (piece := file.read(min(1 << 20, size))):
                found.update(piece)
                size -= len(piece)
    except OSError:  # removed meanwhile
        return ""
    return found.hexdigest()


def _piece(file: BinaryIO, offset: int, size: int) -> bytes:
    file.seek(offset)
    return file.read(size)
