import asyncio
from contextlib import closing
from pathlib import Path

import click

from coordinator.access.rules import NAMES
from coordinator.client import Client
from coordinator.endpoint import Endpoint
from coordinator.terminal import options
from coordinator.terminal.clock import clock


@click.command()
@click.argument("name")
@click.option("--scope", type=click.Choice(list(NAMES)), default="read", show_default=True, help="What it is good for; each includes those before it.")
@click.option("--days", type=click.IntRange(1, 3650), default=90, show_default=True, help="How long it holds.")
@click.option("--state", type=click.Path(file_okay=False, path_type=Path), help="Write into this state folder, with no coordinator and no token: for the first one.")
@options.validate_only
@options.coordinator
def command(name: str, scope: str, days: int, state: Path | None, validate_only: bool, address: Endpoint) -> None:
    """Make a token and print it. This is the only time: the coordinator keeps no more than a hash."""
    lifetime_s = days * 86_400
    if state and validate_only:
        raise click.UsageError("--validate-only asks a coordinator: leave out --state")
    if state:
        click.echo(_at_console(state, name, NAMES[scope], lifetime_s))
        return
    with Client(address) as client:
        made = client.create_token(name, NAMES[scope], lifetime_s, validate_only)
    click.echo(f"nothing was done; {name} would be good until {clock(made.token.expires)}" if validate_only else made.secret)


def _at_console(state: Path, name: str, scope: int, lifetime_s: int) -> str:
    from coordinator.access import issue
    from coordinator.store.database import Database

    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    with closing(Database(state / "store.db")) as database:
        return asyncio.run(database.write(lambda connection: issue.create_at_console(connection, name, scope, lifetime_s)))
