import click

from coordinator.client import Client
from coordinator.endpoint import Endpoint
from coordinator.terminal import options


@click.command()
@click.argument("name")
@options.coordinator
def command(name: str, address: Endpoint) -> None:
    """Refuse a token from now on; streams that it opened end within a second."""
    with Client(address) as client:
        client.revoke_token(name)
    click.echo(f"{name} is revoked")
