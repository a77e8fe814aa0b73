import click
from rich.console import Console
from rich.table import Table


@click.command()
@click.argument("name", required=False, metavar="[FAMILY|NAME]")
def command(name: str | None) -> None:
    """Everything a job file can name: layers, losses, metrics, optimizers, schedules, initializers.

    NAME, such as conv2d, tells all about one: formula, shapes, sources and attributes.
    """
    from bpcore.attributes import unknown
    from bpcore.catalogue import FAMILIES, page, plural

    families = {plural(registry): registry for registry in FAMILIES}
    pages = [page(registry, name) for registry in FAMILIES if name in registry.types]
    if name and name not in families and not pages:
        known = {*families, *(thing for registry in FAMILIES for thing in registry.types)}
        raise click.UsageError(unknown(name, known, "family or name"))
    if pages:
        click.echo("\n\n".join(pages))
    for family, registry in families.items():
        if name in (None, family):
            _list(family, registry)


def _list(family: str, registry: object) -> None:
    from bpcore.catalogue import entries

    table = Table(title=family, title_justify="left", box=None, pad_edge=False)
    for heading in ("name", "what it is", "attributes"):
        table.add_column(heading, no_wrap=heading == "name")
    for row in entries(registry):
        table.add_row(*row)
    Console().print(table)
