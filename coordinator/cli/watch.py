from collections.abc import Callable

import click
from google.protobuf import json_format

from coordinator.client import Client
from coordinator.endpoint import Endpoint
from coordinator.jobs import states
from coordinator.terminal import options, several
from coordinator.terminal.line import sentence
from coordinator.terminal.watching import watch


@click.command()
@click.argument("jobs", nargs=-1, metavar="[JOB ...]", shell_complete=options.job_ids)
@click.option("--series", multiple=True, help="Curves to draw; repeat for several.  [default: every loss of one job, the loss of several]")
@options.output
@options.coordinator
def command(jobs: tuple[str, ...], series: tuple[str, ...], style: str, address: Endpoint) -> None:
    """Draw the progress and the curves of jobs until they end (default: of the newest job). A line that drops is taken up
    again where it was. With --format json, of one job: each message of its stream, a line each."""
    if style == "json" and len(jobs) > 1:
        raise click.UsageError("--format json watches one job at a time")
    with Client(address) as client:
        found = [client.get(job) for job in dict.fromkeys(jobs)] or [options.find(client, None)]
        if style == "json":
            status = _told(client, found[0].id, click.echo)
        elif len(found) > 1:
            status = several.watch(client, found, series or ("loss",))
        else:
            status = watch(client, found[0], series)
        raise click.exceptions.Exit(status)


def _told(client: Client, job_id: str, say: Callable[[str], None]) -> int:
    for message in client.messages(job_id, told=lambda line: click.echo(sentence(line), err=True)):
        say(json_format.MessageToJson(message, preserving_proto_field_name=True, indent=None))
    return 0 if message.ended.state == states.SUCCEEDED else 1
