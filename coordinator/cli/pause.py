import click

from coordinator.client import Client
from coordinator.endpoint import Endpoint
from coordinator.terminal import options
from coordinator.terminal.settling import settle


@click.command()
@options.one_job
@options.no_wait
@options.validate_only
@options.coordinator
def command(job: str, no_wait: bool, validate_only: bool, address: Endpoint) -> None:
    """Take a job off its ranks at the next step, with a checkpoint from which `resume` goes on."""
    with Client(address) as client:
        settle(client, client.pause(job, validate_only), ["PAUSED"], no_wait, validate_only)
