import hashlib
from pathlib import Path

import click
from google.protobuf import json_format
from rich.filesize import decimal

from bptrain.v1.artifact_service_pb2 import ARTIFACT_KIND_CHECKPOINT, ListArtifactsResponse
from coordinator.client import Client
from coordinator.endpoint import Endpoint
from coordinator.terminal import options
from coordinator.terminal.columns import columns
from worker.errors import Unavailable


@click.command()
@click.argument("job", required=False, metavar="[JOB]")
@click.argument("name", required=False, metavar="[NAME]")
@click.option("--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="Where NAME goes; what is there already is gone on with.  [default: its last part, here]")
@options.output
@options.coordinator
def command(job: str | None, name: str | None, output: Path | None, style: str, address: Endpoint) -> None:
    """List a job's checkpoints and other files, or download one of them (default: of the newest job)."""
    with Client(address) as client:
        found = options.find(client, job)
        if name is not None:
            click.echo(_download(client, found.id, name, output or Path(Path(name).name)))
            return
        listed = client.artifacts(found.id)
    if style == "json":
        click.echo(json_format.MessageToJson(ListArtifactsResponse(artifacts=listed), preserving_proto_field_name=True))
        return
    rows = [(artifact.name, decimal(artifact.size_bytes), str(artifact.step or ""), artifact.sha256) for artifact in listed]
    click.echo(columns(("name", "size", "step", "sha256"), rows) if rows else "no artifacts yet")


def _download(client: Client, job_id: str, name: str, output: Path) -> str:
    """What to say of it. Raises Unavailable where it is not what the checkpoint's manifest says."""
    told = client.artifact(job_id, name)  # refused before a file is made
    with open(output, "ab") as file:
        for piece in client.download(job_id, name, file.tell()):
            file.write(piece)
    if told.kind == ARTIFACT_KIND_CHECKPOINT and (got := _sha256(output)) != told.sha256:
        raise Unavailable(f"{output} has the SHA-256 {got}, expected {told.sha256}; remove it and download it again")
    return f"{output}: {decimal(output.stat().st_size)}"


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
