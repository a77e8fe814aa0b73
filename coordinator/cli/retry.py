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
    """Queue a failed or cancelled job again: it goes on from its newest checkpoint."""
    with Client(address) as client:
        say(client.retry(job, validate_only), validate_only)
