import os
from pathlib import Path

import click


@click.command()
@click.argument("name", default="")
@click.option("--state", type=click.Path(file_okay=False, exists=True, path_type=Path), help="The coordinator's state folder.  [default: ~/.local/state/bptrain]")
def command(name: str, state: Path | None) -> None:
    """Put a copy in the store's place, the newest unless named. The coordinator must not run; the damaged store is kept."""
    from coordinator.server import default_state
    from coordinator.store import backup
    from coordinator.store.claim import claim

    folder = state or default_state()
    lock = claim(folder)
    try:
        found, aside = backup.restore(folder / "store.db", name)
    finally:
        os.close(lock)
    click.echo(f"{found} is the store now; the one before is {aside}, beside it")
    click.echo("what was done since is not in it, but jobs that still train are taken in again; tokens that were revoked meanwhile are good again (bptrain token list)")
