"""Options and arguments that several commands share."""

import functools
import itertools
from collections.abc import Callable
from pathlib import Path

import click
from google.protobuf import json_format
from google.protobuf.message import Message

from bpcore.errors import BptrainError
from bptrain.v1.job_service_pb2 import Job
from coordinator.client import Client
from coordinator.endpoint import DEFAULT_ADDRESS, Endpoint
from worker.errors import Unavailable

MOST_OFFERED = 50
PEM = click.Path(dir_okay=False, path_type=Path)
LINE = (
    click.option("--coordinator", "address", metavar="HOST:PORT", help=f"Where the coordinator listens.  [default: $BPTRAIN_COORDINATOR or {DEFAULT_ADDRESS}]"),
    click.option("--token-file", type=PEM, help="File with the token to show.  [default: the token itself in $BPTRAIN_TOKEN]"),
    click.option("--ca", type=PEM, help="Speak TLS; who signs the coordinator's certificate.  [default: $BPTRAIN_CA]"),
    click.option("--cert", "certificate", type=PEM, help="Our certificate, where the coordinator wants one.  [default: $BPTRAIN_CERT]"),
    click.option("--key", type=PEM, help="Its key.  [default: $BPTRAIN_KEY]"))


def job_ids(context: click.Context, parameter: click.Parameter, beginning: str) -> list[str]:
    """For a shell that completes: ids of the newest jobs. Where there is no coordinator, none."""
    try:
        with Client(Endpoint.of(context.params.get("address") or "")) as client:
            return [job.id for job in itertools.islice(client.list(), MOST_OFFERED) if job.id.startswith(beginning)]
    except BptrainError:
        return []


job = click.argument("job", required=False, metavar="[JOB]", shell_complete=job_ids)
one_job = click.argument("job", shell_complete=job_ids)
no_wait = click.option("--no-wait", is_flag=True, help="Return as soon as the job has been asked.")
validate_only = click.option("--validate-only", is_flag=True, help="Check whether it could be done, and do nothing.")
output = click.option("--format", "style", type=click.Choice(["table", "json"]), default="table", show_default=True)
data_root = click.option("--data-root", type=click.Path(file_okay=False, exists=True), default=".", show_default=True,
                         help="Folder that jobs may read data from.")


def coordinator(command: Callable) -> Callable:
    """The options of LINE; the command gets all of them as `address`, an Endpoint."""

    @functools.wraps(command)
    def connected(address: str, token_file: Path | None, ca: Path | None, certificate: Path | None, key: Path | None, **others: object) -> object:
        return command(address=Endpoint.of(address, token_file, ca, certificate, key), **others)

    return functools.reduce(lambda decorated, option: option(decorated), reversed(LINE), connected)


def show(message: Message, style: str, text: str) -> None:
    """Prints the message as JSON, or the text."""
    click.echo(json_format.MessageToJson(message, preserving_proto_field_name=True) if style == "json" else text)


def find(client: Client, job_id: str | None) -> Job:
    """The job named, or the newest one."""
    if job_id:
        return client.get(job_id)
    newest = next(client.list(), None)
    if newest is None:
        raise Unavailable("there are no jobs yet; hand one in with: bptrain submit JOB.yaml")
    return client.get(newest.id)
