import click
from google.protobuf import json_format
from rich.console import Console

from bptrain.v1.job_service_pb2 import Job
from bptrain.v1.metric_service_pb2 import QueryMetricsResponse
from coordinator.client import Client
from coordinator.endpoint import Endpoint
from coordinator.jobs import states
from coordinator.terminal import options
from coordinator.terminal.chart import chart
from coordinator.terminal.columns import columns
from coordinator.terminal.differing import differing


@click.command()
@click.argument("first", shell_complete=options.job_ids)
@click.argument("second", shell_complete=options.job_ids)
@click.option("--series", multiple=True, default=("loss",), show_default=True, help="Repeat for several.")
@options.output
@options.coordinator
def command(first: str, second: str, series: tuple[str, ...], style: str, address: Endpoint) -> None:
    """Lay the curves of two jobs over each other; below, where each stands, and what their job files differ in."""
    console = Console()
    with Client(address) as client:
        jobs = [client.get(job_id) for job_id in (first, second)]
        found = {job.id: client.curve(job.id, series, 4 * console.width) for job in jobs}
    if style == "json":
        curves = [curve for each in found.values() for curve in each.values()]
        click.echo(json_format.MessageToJson(QueryMetricsResponse(curves=curves), preserving_proto_field_name=True))
        return
    drawn = {f"{name} of {job.id}": (found[job.id][name].steps, found[job.id][name].values) for name in series for job in jobs if name in found[job.id]}
    console.print(chart(drawn, min(console.width - 1, 120), 18))
    click.echo(columns(("", *(job.id for job in jobs)), _rows(*jobs)))


def _rows(first: Job, second: Job) -> list[tuple[str, str, str]]:
    """Where each stands, the newest values, and what differs in the job files."""
    rows = [(name, str(of(first)), str(of(second))) for name, of in {
        "state": lambda job: states.label(job.state), "step": lambda job: job.progress.step,
        "digest": lambda job: job.digest[:12] or "-"}.items()]
    names = sorted({*first.latest, *second.latest})
    rows += [(name, *(f"{job.latest[name]:.6g}" if name in job.latest else "-" for job in (first, second))) for name in names]
    return rows + differing(first.spec, second.spec)
