import time

import click

from coordinator.client import Client
from coordinator.endpoint import Endpoint
from coordinator.jobs import states
from coordinator.terminal import options
from coordinator.terminal.settling import say

POLL_S = 0.05


@click.command()
@options.one_job
@click.argument("ranks", type=click.IntRange(1))
@options.no_wait
@options.validate_only
@options.coordinator
def command(job: str, ranks: int, no_wait: bool, validate_only: bool, address: Endpoint) -> None:
    """Let a running job go on with RANKS ranks, from 1 to its logical shards: no step is lost, the bits stay the same."""
    with Client(address) as client:
        found = client.resize(job, ranks, validate_only)
        while not (no_wait or validate_only) and found.state not in states.FINAL and (found.spec.ranks, found.state) != (ranks, states.RUNNING):
            time.sleep(POLL_S)
            found = client.get(job)
    if validate_only:
        click.echo(f"nothing was done; it would go on with {ranks} rank(s)")
        return
    say(found)
