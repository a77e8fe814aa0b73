import click

from bptrain.v1.cluster_service_pb2 import QueueEntry
from coordinator.client import Client
from coordinator.endpoint import Endpoint
from coordinator.jobs import states
from coordinator.terminal import options
from coordinator.terminal.clock import short_clock
from coordinator.terminal.columns import fitted

HEADINGS = ("place", "id", "name", "state", "ranks", "priority", "owner", "ends or starts", "why")
LEAST = ("why", 36), ("name", 16), ("owner", 0), ("priority", 0), ("why", 7), ("name", 9)


@click.command()
@options.output
@options.coordinator
def command(style: str, address: Endpoint) -> None:
    """Show who has slots and who waits, for what and until when."""
    with Client(address) as client:
        found = client.queue()
    rows = [_row("-", job) for job in found.running] + [_row(str(place), job) for place, job in enumerate(found.waiting, 1)]
    table = f"\n\n{fitted(HEADINGS, rows, LEAST)}" if rows else ""
    options.show(found, style, f"{found.free_slots} of {found.slots} slot(s) are free{table}")


def _row(place: str, job: QueueEntry) -> tuple[str, ...]:
    when = short_clock(job.estimated_time) if job.estimated_time else "not known"
    return place, job.job_id, job.name, states.label(job.state), str(job.ranks), str(job.priority), job.owner or "-", when, job.reason or "-"
