import click

from coordinator.client import Client
from coordinator.endpoint import Endpoint
from coordinator.terminal import options


@click.command()
@options.validate_only
@options.coordinator
def command(validate_only: bool, address: Endpoint) -> None:
    """Copy the store while the coordinator works. It does so by itself every six hours; the newest five are kept."""
    with Client(address) as client:
        made = client.create_backup(validate_only)
    click.echo(f"nothing was done; it would have {made.size_bytes} bytes" if validate_only else f"{made.name}  {made.size_bytes} bytes")
