from pathlib import Path

import click

from coordinator.app import Settings
from coordinator.client import Client
from coordinator.embedded import embedded
from coordinator.endpoint import Endpoint
from coordinator.server import available_cores
from coordinator.terminal.watching import watch

JOB = Path(__file__).with_name("demo.yaml")  # deploy/jobs/digits.yaml


@click.command()
@click.option("--folder", type=click.Path(file_okay=False, path_type=Path), default=Path("runs/demo"), show_default=True,
              help="Where everything goes: store, journal, checkpoints, log.")
def command(folder: Path) -> None:
    """See it work: a coordinator, two MPI ranks, handwritten digits, in under a minute."""
    folder = folder.resolve()
    with embedded(Settings(folder, JOB.resolve().parent, max(2, available_cores()))) as server, Client(Endpoint(server.address)) as client:
        click.echo(f"coordinator at {server.address}, everything it keeps in {folder}")
        job = client.submit(JOB)
        status = watch(client, job)
        if status == 130:
            client.cancel(job.id)
            list(client.messages(job.id))
        elif status == 0:
            click.echo(f"test accuracy {client.get(job.id).latest['eval_accuracy']:.4f}")
    raise click.exceptions.Exit(status)
