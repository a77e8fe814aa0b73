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
        found = options.find(client, job)
        if style == "csv" and not points and not found.folds:
            for piece in client.export_metrics(found.id, series):
                click.echo(piece, nl=False)
            return
        curves = client.curves([found.id], series, max_points=points or (4 * console.width if style == "chart" else 0))
    if style == "json":
        click.echo(json_format.MessageToJson(QueryMetricsResponse(curves=curves), preserving_proto_field_name=True))
        return
    titles = {fold.job_id: f" of fold {fold.fold}" for fold in found.folds}
    named = {curve.series + titles.get(curve.job_id, ""): curve for curve in curves}
    if style == "csv":
        rows = csv.writer(sys.stdout)
        rows.writerow(["series", "step", "value"])
        rows.writerows((name, step, value) for name, curve in named.items() for step, value in zip(curve.steps, curve.values))
    else:
        wanted = series or (["eval_loss"] if found.folds else [curve.series for curve in curves if curve.series.endswith("loss")])
        drawn = {name: (curve.steps, curve.values) for name, curve in named.items() if curve.series in wanted}
        console.print(chart(drawn, min(console.width - 1, 120), 18))
