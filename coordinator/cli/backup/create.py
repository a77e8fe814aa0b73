import click

from coordinator.client import Client
from coordinator.endpoint import Endpoint
from coordinator.terminal import options


@click.command()
@options.coordinator
def command(address: Endpoint) -> None:
    """Copy the store while the coordinator works. It does so by itself every six hours; the newest five are kept."""
    with Client(address) as client:
        made = client.create_backup()
    click.echo(f"{made.name}  {made.size_bytes} bytes")
