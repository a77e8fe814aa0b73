import itertools

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
@click.option("--filter", "chosen", default="", metavar="TEXT", help='Such as \'state = RUNNING AND name != digits AND label.team = "vision 2"\'.')
@click.option("--deleted", is_flag=True, help="Deleted ones, too.")
@click.option("--limit", type=click.IntRange(1), help="Most jobs to show.")
@options.output
@options.coordinator
def command(chosen: str, deleted: bool, limit: int | None, style: str, address: Endpoint) -> None:
    """List jobs, newest first."""
    with Client(address) as client:
        jobs = list(itertools.islice(client.list(chosen, deleted), limit))
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
