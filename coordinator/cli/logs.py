import click

from coordinator.client import Client
from coordinator.endpoint import Endpoint
from coordinator.terminal import options


@click.command()
@options.job
@click.option("--follow", "-f", is_flag=True, help="Go on until the job has ended.")
@options.coordinator
def command(job: str | None, follow: bool, address: Endpoint) -> None:
    """Print what the ranks printed (default: of the newest job)."""
    with Client(address) as client:
        for text in client.logs(options.find(client, job).id, follow):
            click.echo(text, nl=False)
