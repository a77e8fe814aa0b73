import itertools

import click
from google.protobuf import json_format

from bptrain.v1.job_service_pb2 import Job, ListJobsResponse
from coordinator.client import Client
from coordinator.endpoint import Endpoint
from coordinator.jobs import states
from coordinator.terminal import options
from coordinator.terminal.clock import short_clock
from coordinator.terminal.columns import fitted
from coordinator.terminal.display import duration

HEADINGS = ("id", "name", "state", "step", "left", "loss", "submitted", "cause")
LEAST = ("cause", 12), ("name", 16), ("cause", 0), ("submitted", 0), ("name", 9)


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
    rows = [_row(job) for job in jobs]
    click.echo(fitted(HEADINGS, rows, LEAST) if rows else "no jobs yet")


def _row(job: Job) -> tuple[str, ...]:
    progress = job.progress
    loss = f"{job.latest['loss']:.4g}" if "loss" in job.latest else "-"
    left = duration(progress.left_s) if progress.left_s else "-"
    step = f"{progress.step}/{progress.total_steps}" if progress.total_steps else "-"
    return job.id, job.spec.name, states.label(job.state), step, left, loss, short_clock(job.submit_time), job.cause or "-"
