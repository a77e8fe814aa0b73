import click
from rich.console import Console
from rich.table import Table


@click.command()
@click.argument("family", required=False)
def command(family: str | None) -> None:
    """Everything a job file can name: layers, losses, metrics, optimizers, schedules, initializers."""
    from bpcore.attributes import unknown
    from bpcore.catalogue import FAMILIES, entries, plural

    known = {plural(registry): registry for registry in FAMILIES}
    if family and family not in known:
        raise click.UsageError(unknown(family, known, "family"))
    for name, registry in known.items():
        if family in (None, name):
            table = Table(title=name, title_justify="left", box=None, pad_edge=False)
            for heading in ("name", "what it is", "attributes"):
                table.add_column(heading, no_wrap=heading == "name")
            for row in entries(registry):
                table.add_row(*row)
            Console().print(table)
