"""Waiting until what was asked for has happened."""

from collections.abc import Sequence
from math import inf
from time import monotonic

import click

from bptrain.v1.job_service_pb2 import Job
from coordinator.client import Client
from coordinator.jobs import states
from coordinator.limits import LONGEST_WAIT_S


def until(client: Client, job_id: str, wanted: Sequence[str], timeout_s: float | None = None) -> Job:
    """The job once it is in one of these states, or has ended, or the time is up."""
    ends = monotonic() + (inf if timeout_s is None else timeout_s)
    targets = [*wanted, *(states.label(state) for state in states.FINAL)]
    while True:
        job = client.wait(job_id, targets, min(LONGEST_WAIT_S, max(0.0, ends - monotonic())))
        if states.label(job.state).lower() in map(str.lower, targets) or monotonic() >= ends:
            return job


def settle(client: Client, job: Job, wanted: Sequence[str], at_once: bool, validate_only: bool = False) -> Job:
    """Says where the job stands: as it is, or once it is in one of these states or has ended."""
    found = job if at_once or validate_only else until(client, job.id, wanted)
    say(found, validate_only)
    return found


def say(job: Job, validate_only: bool = False) -> None:
    would = "nothing was done; it would be " if validate_only else ""
    click.echo(f"{would}{states.label(job.state)} at step {job.progress.step}: {job.cause}")
