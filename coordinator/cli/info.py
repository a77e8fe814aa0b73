import click

from coordinator.client import Client
from coordinator.endpoint import Endpoint
from coordinator.terminal import options


@click.command()
@click.option("--launch", metavar="JOB", help="Print the exact command that starts this job's ranks, instead.")
@options.output
@options.coordinator
def command(launch: str | None, style: str, address: Endpoint) -> None:
    """Show what the coordinator is and allows: versions, limits, features."""
    with Client(address) as client:
        if launch:
            click.echo(client.launch_line(launch))
            return
        found = client.info()
    rows = [("bptrain", found.version), *sorted(found.versions.items()), ("slots", str(found.slots))]
    rows += [(field.name, f"{getattr(found.limits, field.name):,.10g}") for field in found.limits.DESCRIPTOR.fields]
    width = max(len(name) for name, _ in rows)
    lines = [f"{name:<{width}}  {value}" for name, value in rows]
    options.show(found, style, "\n".join([*lines, f"{'features':<{width}}  {', '.join(found.features)}"]))
