"""Following a job of a coordinator to its end."""

from collections.abc import Collection

import click

from bptrain.v1.job_service_pb2 import Job
from coordinator.client import Client
from coordinator.jobs import states
from coordinator.terminal.columns import folded
from coordinator.terminal.display import display
from coordinator.terminal.following import follow
from coordinator.terminal.line import sentence


def watch(client: Client, job: Job, series: Collection[str] = ()) -> int:
    """Draws the job until it has ended; the exit status. `series`: as display() has it. Ctrl-C leaves the job running."""
    if job.folds:
        return follow(client, job)
    try:
        with display(f"{job.spec.name} {job.id}", job.spec.epochs, series) as screen:
            for message in client.messages(job.id, told=lambda line: screen.note(sentence(line))):
                kind = message.WhichOneof("event")
                screen.apply(kind, getattr(message, kind))
    except KeyboardInterrupt:
        click.echo(f"the job goes on; watch it again with: bptrain watch {job.id}", err=True)
        return 130
    end = message.ended
    click.echo(folded(f"{states.label(end.state)}: {end.cause}"))
    if end.digest:
        click.echo(f"parameters sha256:{end.digest}")
    return 0 if end.state == states.SUCCEEDED else 1
