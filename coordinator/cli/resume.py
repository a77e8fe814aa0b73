import click

from coordinator.client import Client
from coordinator.endpoint import Endpoint
from coordinator.terminal import options
from coordinator.terminal.settling import say


@click.command()
@options.one_job
@click.option("--ranks", type=click.IntRange(1), default=None, help="MPI ranks from here on.  [default: as many as before]")
@options.validate_only
@options.coordinator
def command(job: str, ranks: int | None, validate_only: bool, address: Endpoint) -> None:
    """Queue a paused job again: it goes on from its checkpoint, with the bits of an undisturbed run."""
    with Client(address) as client:
        say(client.resume(job, ranks or 0, validate_only), validate_only)
