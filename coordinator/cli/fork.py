from typing import Any

import click

from bptrain.v1.job_service_pb2 import Job
from coordinator.client import Client
from coordinator.endpoint import Endpoint
from coordinator.terminal import options
from coordinator.terminal.watching import watch
from worker.jobs import jobfile


@click.command()
@options.one_job
@click.option("--step", type=click.IntRange(1), help="Steps done in the checkpoint to go on from.  [default: the newest]")
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="A change to the job file, such as optimizer.adam.learning_rate=1e-4; repeat for several.")
@click.option("--watch", "watching", is_flag=True, help="Draw its progress until it ends.")
@options.validate_only
@options.coordinator
def command(job: str, step: int | None, changes: tuple[str, ...], watching: bool, validate_only: bool, address: Endpoint) -> None:
    """Make a new job that goes on from a checkpoint of another one; prints its id."""
    with Client(address) as client:
        made = client.fork(job, step or 0, _fields(client.get(job), changes), validate_only)
        if validate_only:
            click.echo(f"nothing was done; it would go on from step {made.origin.step}")
            return
        click.echo(made.id)
        if watching:
            raise click.exceptions.Exit(watch(client, made))


def _fields(job: Job, changes: tuple[str, ...]) -> dict[str, Any]:
    """The fields of the job's spec that change, as a whole: what a change does not name stays."""
    spec, fields = jobfile.plain(job.spec), {}
    for change in changes:
        key, equals, value = change.partition("=")
        if not equals:
            raise click.BadParameter(f'expected KEY=VALUE, got "{change}"', param_hint="--set")
        first, *rest = key.split(".")
        fields[first] = _replaced(fields.get(first, spec.get(first)), rest, jobfile.value(value))
    return fields


def _replaced(before: Any, path: list[str], value: Any) -> Any:
    """`before` with the value at that path. A component's attributes are found behind its kind, as in a job file."""
    if not path:
        return value
    before = before if isinstance(before, dict) else {}
    if path[0] == before.get("kind"):
        return {**before, "attributes": _replaced(before.get("attributes"), path[1:], value)}
    if "kind" in before:  # another kind: nothing of the old one stays
        return _replaced({}, path, value)
    return {**before, path[0]: _replaced(before.get(path[0]), path[1:], value)}
