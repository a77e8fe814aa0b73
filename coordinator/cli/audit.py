import itertools

import click
from google.protobuf import json_format

from bptrain.v1.admin_service_pb2 import ListAuditResponse
from coordinator.client import Client
from coordinator.endpoint import Endpoint
from coordinator.terminal import options
from coordinator.terminal.clock import clock
from coordinator.terminal.columns import columns


@click.command()
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="Most records to show.")
@options.output
@options.coordinator
def command(limit: int, style: str, address: Endpoint) -> None:
    """Show who changed what, newest first."""
    with Client(address) as client:
        records = list(itertools.islice(client.audit(), limit))
    if style == "json":
        click.echo(json_format.MessageToJson(ListAuditResponse(records=records), preserving_proto_field_name=True))
        return
    rows = [(clock(record.time), record.who, record.method, record.target or "-", record.outcome or "not known", record.request_id)
            for record in records]
    click.echo(columns(("time", "who", "what", "of", "outcome", "request"), rows) if rows else "nothing was changed yet")
