import click

from coordinator.client import Client
from coordinator.endpoint import Endpoint
from coordinator.terminal import options
from coordinator.terminal.clock import clock


@click.command()
@options.one_job
@click.option("--force", is_flag=True, help="Also a job that has not ended: it is killed.")
@options.validate_only
@options.coordinator
def command(job: str, force: bool, validate_only: bool, address: Endpoint) -> None:
    """Take a job out of the lists; `undelete` brings it back until it is removed for good."""
    with Client(address) as client:
        found = client.delete(job, force, validate_only)
    click.echo(f"{'nothing was done; it would be ' if validate_only else ''}deleted; what it left is removed after {clock(found.purge_time)}")
