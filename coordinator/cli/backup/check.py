import sys

import click

from coordinator.client import Client
from coordinator.endpoint import Endpoint
from coordinator.terminal import options
from coordinator.terminal.clock import clock
from coordinator.terminal.columns import columns


@click.command()
@options.coordinator
def command(address: Endpoint) -> None:
    """Read the whole store and say what is wrong with it, and which copies there are. Ends with 1 where something is."""
    with Client(address) as client:
        found = client.check_store()
    click.echo("\n".join(found.problems) or "the store is whole")
    if found.backups:
        click.echo(columns(("backup", "made", "bytes"), [(each.name, clock(each.time), str(each.size_bytes)) for each in found.backups]))
    sys.exit(1 if found.problems else 0)
