import click

from coordinator.client import Client
from coordinator.endpoint import Endpoint
from coordinator.jobs import states
from coordinator.terminal import options
from coordinator.terminal.settling import settle

MODES = ("checkpoint", "step", "now")


@click.command()
@options.one_job
@click.option("--mode", type=click.Choice(MODES), default=MODES[0], show_default=True,
              help="At the next step, behind a checkpoint; at the next step without one; or killed.")
@options.no_wait
@options.validate_only
@options.coordinator
def command(job: str, mode: str, no_wait: bool, validate_only: bool, address: Endpoint) -> None:
    """Stop a job for good; `retry` goes on from its newest checkpoint all the same."""
    with Client(address) as client:
        found = settle(client, client.cancel(job, mode, validate_only), [], no_wait, validate_only)
    if found.state == states.CANCELLED and found.progress.step and not validate_only:
        click.echo(f"go on with: bptrain retry {found.id}")
