import click

from coordinator.client import Client
from coordinator.endpoint import Endpoint
from coordinator.terminal import options
from coordinator.terminal.watching import watch


@click.command()
@options.job
@options.coordinator
def command(job: str | None, address: Endpoint) -> None:
    """Draw a job's progress and loss curve until it ends (default: the newest job)."""
    with Client(address) as client:
        raise click.exceptions.Exit(watch(client, options.find(client, job)))
