import click

from coordinator.client import Client
from coordinator.endpoint import Endpoint
from coordinator.terminal import options


@click.command()
@click.argument("name")
@options.validate_only
@options.coordinator
def command(name: str, validate_only: bool, address: Endpoint) -> None:
    """Refuse a token from now on; streams that it opened end within a second."""
    with Client(address) as client:
        client.revoke_token(name, validate_only)
    click.echo(f"nothing was done; {name} would be revoked" if validate_only else f"{name} is revoked")
