import click

from coordinator.cli import Commands


@click.group(cls=Commands, package=__name__)
def command() -> None:
    """Make, list and revoke the tokens that callers show."""
