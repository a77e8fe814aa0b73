import time

import click

from coordinator.client import Client
from coordinator.endpoint import Endpoint
from coordinator.jobs import states
from coordinator.terminal import options

POLL_S = 0.05


@click.command()
@click.argument("job")
@click.option("--no-wait", is_flag=True, help="Return as soon as the job has been asked.")
@options.coordinator
def command(job: str, no_wait: bool, address: Endpoint) -> None:
    """Stop a job at the next step, with a checkpoint from which it can be resumed."""
    with Client(address) as client:
        found = client.cancel(job)
        while not no_wait and found.state not in states.FINAL:
            time.sleep(POLL_S)
            found = client.get(job)
    click.echo(f"{states.label(found.state)} at step {found.progress.step}: {found.cause}")
    if found.state == states.CANCELLED and found.digest:
        click.echo(f"go on with: bptrain run {found.run_dir} --resume")
