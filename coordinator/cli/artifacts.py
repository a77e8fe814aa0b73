import hashlib
from pathlib import Path

import click
from google.protobuf import json_format
from rich.filesize import decimal

from bptrain.v1.artifact_service_pb2 import ARTIFACT_KIND_CHECKPOINT, ListArtifactsResponse
from coordinator.client import Client
from coordinator.endpoint import Endpoint
from coordinator.terminal import options, written
from coordinator.terminal.columns import columns
from worker.errors import Unavailable


@click.command()
@click.argument("job", required=False, metavar="[JOB]")
@click.argument("name", required=False, metavar="[NAME]")
@click.option("--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="Where NAME goes; what is there already is gone on with.  [default: its last part, here]")
@click.option("--delete", is_flag=True, help="Remove NAME instead: a checkpoint, such as checkpoints/step-00000460, or the log.")
@click.option("--force", is_flag=True, help="With --delete: also the newest or the best checkpoint of a job that has ended.")
@options.validate_only
@options.output
@options.coordinator
def command(job: str | None, name: str | None, output: Path | None, delete: bool, force: bool, validate_only: bool, style: str, address: Endpoint) -> None:
    """List a job's checkpoints and other files, download one of them, or remove it (default: of the newest job)."""
    if (delete and name is None) or (force or validate_only) and not delete:
        raise click.UsageError("--delete removes the artifact NAME of JOB; --force and --validate-only go with it")
    with Client(address) as client:
        found = options.find(client, job)
        if delete:
            gone = client.delete_artifact(found.id, name, force, validate_only)
            click.echo(f"{'nothing was done; it would be ' if validate_only else ''}removed: {decimal(sum(each.size_bytes for each in gone))} in {len(gone)} file(s)")
            return
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
    with written.refusing(output), open(output, "ab") as file:
        for piece in client.download(job_id, name, file.tell()):
            file.write(piece)
    if told.kind == ARTIFACT_KIND_CHECKPOINT and (got := _sha256(output)) != told.sha256:
        raise Unavailable(f"{output} has the SHA-256 {got}, expected {told.sha256}; remove it and download it again")
    return f"{output}: {decimal(output.stat().st_size)}"


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
