import click

from coordinator.client import Client
from coordinator.endpoint import Endpoint
from coordinator.terminal import options
from coordinator.terminal.settling import say


@click.command()
@options.one_job
@options.validate_only
@options.coordinator
def command(job: str, validate_only: bool, address: Endpoint) -> None:
    """Bring a deleted job back."""
    with Client(address) as client:
        found = client.undelete(job, validate_only)
    say(found, validate_only)
