import csv
import sys

import click
from google.protobuf import json_format
from rich.console import Console

from bptrain.v1.metric_service_pb2 import QueryMetricsResponse
from coordinator.client import Client
from coordinator.endpoint import Endpoint
from coordinator.terminal import options
from coordinator.terminal.chart import chart


@click.command()
@options.job
@click.option("--series", multiple=True, help="loss, eval_loss, a metric …; repeat for several.  [default: every loss when drawn, else all]")
@click.option("--format", "style", type=click.Choice(["chart", "csv", "json"]), help="[default: chart on a terminal, csv in a pipe]")
@click.option("--points", default=0, help="Most points a series; 0 means all.")
@options.coordinator
def command(job: str | None, series: tuple[str, ...], style: str | None, points: int, address: Endpoint) -> None:
    """Draw or write out a job's loss curve (default: the newest job)."""
    style = style or ("chart" if sys.stdout.isatty() else "csv")
    console = Console()
    with Client(address) as client:
        found = options.find(client, job).id
        if style == "csv" and not points:
            for piece in client.export_metrics(found, series):
                click.echo(piece, nl=False)
            return
        curves = client.curve(found, series, points or (4 * console.width if style == "chart" else 0))
    if style == "json":
        click.echo(json_format.MessageToJson(QueryMetricsResponse(curves=curves.values()), preserving_proto_field_name=True))
    elif style == "csv":
        rows = csv.writer(sys.stdout)
        rows.writerow(["series", "step", "value"])
        rows.writerows((name, step, value) for name, curve in curves.items() for step, value in zip(curve.steps, curve.values))
    else:
        drawn = {name: (curve.steps, curve.values) for name, curve in curves.items() if series or name.endswith("loss")}
        console.print(chart(drawn, min(console.width - 1, 120), 18))
