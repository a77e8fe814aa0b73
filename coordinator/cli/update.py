import click

from coordinator.client import Client
from coordinator.endpoint import Endpoint
from coordinator.terminal import options


@click.command()
@options.one_job
@click.option("--priority", type=click.IntRange(1, 100), help="Higher ones start first; 50 is the default.")
@click.option("--label", "labels", multiple=True, metavar="KEY=VALUE", help="Replace all labels by these; repeat for several.")
@click.option("--time-limit", "time_limit_s", type=click.FloatRange(0), help="Seconds that it may train; 0 for any.")
@click.option("--deadline", metavar="TIME", help="When it is stopped at the latest, such as 2026-11-22T08:00:00Z.")
@options.validate_only
@options.coordinator
def command(job: str, labels: tuple[str, ...], validate_only: bool, address: Endpoint, **others: object) -> None:
    """Change labels, priority, time limit or deadline of a job, whatever its state."""
    fields = {name: value for name, value in others.items() if value is not None}
    if labels:
        fields["labels"] = dict(_pair(label) for label in labels)
    if not fields:
        raise click.UsageError("nothing to change; name at least one option")
    with Client(address) as client:
        found = client.update(job, validate_only=validate_only, **fields)
    click.echo(f"{'nothing was done; it would be: ' if validate_only else ''}{found.transitions[-1].cause}")


def _pair(label: str) -> tuple[str, str]:
    key, equals, value = label.partition("=")
    if not equals:
        raise click.BadParameter(f'expected KEY=VALUE, got "{label}"', param_hint="--label")
    return key, value
