import click
from google.protobuf import json_format

from bptrain.v1.log_service_pb2 import LOG_LEVEL_ERROR, ReadLogsResponse
from coordinator.client import Client
from coordinator.endpoint import Endpoint
from coordinator.terminal import options


@click.command()
@options.job
@click.option("--follow", "-f", is_flag=True, help="Go on until the job has ended.")
@click.option("--rank", "ranks", type=click.IntRange(0), multiple=True, help="Lines of this rank; repeat for several.  [default: all, and mpirun's own]")
@click.option("--errors", is_flag=True, help="Only what went to standard error, or comes from mpirun.")
@click.option("--contains", default="", metavar="TEXT", help="Only lines with this in them.")
@click.option("--match", default="", metavar="REGEX", help="Only lines in which this is found, a regular expression as RE2 and grep -E have them.")
@click.option("--attempt", type=click.IntRange(1), help="Only what this start of the ranks printed.  [default: all]")
@options.output
@options.coordinator
def command(job: str | None, follow: bool, ranks: tuple[int, ...], errors: bool, contains: str, match: str, attempt: int | None, style: str,
            address: Endpoint) -> None:
    """Print what the ranks printed (default: of the newest job)."""
    with Client(address) as client:
        lines = client.logs(options.find(client, job).id, follow, ranks, LOG_LEVEL_ERROR if errors else 0, contains, match, attempt or 0)
        if style == "json":
            click.echo(json_format.MessageToJson(ReadLogsResponse(lines=lines), preserving_proto_field_name=True))
            return
        for line in lines:
            click.echo(line.text)
