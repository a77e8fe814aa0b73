from pathlib import Path

import click

from coordinator.client import Client
from coordinator.endpoint import Endpoint
from coordinator.terminal import options
from coordinator.terminal.watching import watch


@click.command()
@click.argument("file", type=click.Path(path_type=Path), metavar="JOB.yaml")
@click.option("--watch", "watching", is_flag=True, help="Draw its progress until it ends.")
@click.option("--validate-only", is_flag=True, help="Check everything, run nothing.")
@options.coordinator
def command(file: Path, watching: bool, validate_only: bool, address: Endpoint) -> None:
    """Hand in a job file; prints the job's id."""
    with Client(address) as client:
        job = client.submit(file, validate_only=validate_only)
        if validate_only:
            click.echo(f"{file} is a valid job")
            return
        click.echo(job.id)
        if watching:
            raise click.exceptions.Exit(watch(client, job))
