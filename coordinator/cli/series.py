import click
from google.protobuf import json_format

from bptrain.v1.metric_service_pb2 import ListSeriesResponse
from coordinator.client import Client
from coordinator.endpoint import Endpoint
from coordinator.terminal import options
from coordinator.terminal.columns import columns


@click.command()
@options.job
@options.output
@options.coordinator
def command(job: str | None, style: str, address: Endpoint) -> None:
    """List what a job has curves of, with its newest values (default: the newest job)."""
    with Client(address) as client:
        found = client.series(options.find(client, job).id)
    if style == "json":
        click.echo(json_format.MessageToJson(ListSeriesResponse(series=found), preserving_proto_field_name=True))
        return
    rows = [(each.name, f"{each.points:,}", str(each.last_step), f"{each.last_value:.6g}") for each in found]
    click.echo(columns(("series", "points", "last step", "last value"), rows) if rows else "no points yet")
