"""Following a job that is trained in folds to its end: a table of them, drawn anew as they go; plain lines without a terminal."""

import sys

import click
from rich.live import Live
from rich.text import Text

from bptrain.v1.job_service_pb2 import Job
from coordinator.client import Client
from coordinator.jobs import states
from coordinator.terminal import folds
from worker.record.console import say

EVERY_S = 1.0


def follow(client: Client, job: Job) -> int:
    """The exit status. Ctrl-C leaves the job running."""
    try:
        job = _drawn(client, job) if sys.stdout.isatty() else _told(client, job)
    except KeyboardInterrupt:
        click.echo(f"the job goes on; watch it again with: bptrain watch {job.id}", err=True)
        return 130
    click.echo(f"{states.label(job.state)}: {job.cause}")
    return 0 if job.state == states.SUCCEEDED else 1


def _drawn(client: Client, job: Job) -> Job:
    with Live(auto_refresh=False) as live:
        while True:
            live.update(Text(f"{job.spec.name} {job.id}\n{folds.table(job)}"), refresh=True)
            if job.state in states.FINAL:
                return job
            job = client.wait(job.id, timeout_s=EVERY_S)


def _told(client: Client, job: Job) -> Job:
    said: dict[int, int] = {}
    while True:
        for fold in job.folds:
            if said.get(fold.fold) != fold.state:
                said[fold.fold] = fold.state
                say(f"fold {fold.fold}: {states.label(fold.state)}")
        if job.state in states.FINAL:
            say(folds.table(job))
            return job
        job = client.wait(job.id, timeout_s=EVERY_S)
