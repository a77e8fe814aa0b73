import click

from coordinator.cli import Commands


@click.group(cls=Commands, package=__name__)
def command() -> None:
    """Copy the coordinator's store, check it, go back to a copy."""
