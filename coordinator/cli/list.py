import click
from google.protobuf import json_format
from rich.console import Console
from rich.table import Table

from bptrain.v1.job_service_pb2 import ListJobsResponse
from coordinator.client import Client
from coordinator.endpoint import Endpoint
from coordinator.jobs import states
from coordinator.terminal import options


@click.command()
@options.output
@options.coordinator
def command(style: str, address: Endpoint) -> None:
    """List all jobs, newest first."""
    with Client(address) as client:
        jobs = list(client.list())
    if style == "json":
        click.echo(json_format.MessageToJson(ListJobsResponse(jobs=jobs), preserving_proto_field_name=True))
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("id", "name", "state", "step", "loss", "cause"):
        table.add_column(heading, no_wrap=heading != "cause")
    for job in jobs:
        loss = f"{job.latest['loss']:.4g}" if "loss" in job.latest else ""
        table.add_row(job.id, job.spec.name, states.label(job.state), f"{job.progress.step}/{job.progress.total_steps}", loss, job.cause)
    Console(soft_wrap=True).print(table if jobs else "no jobs yet")
