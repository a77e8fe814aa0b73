from pathlib import Path

import click

from worker.errors import Unavailable


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), metavar="DIR")
@click.option("--host", "hosts", multiple=True, metavar="NAME|ADDRESS", help="As clients will call the coordinator; repeat for several. This machine's own names for itself are always in.")
@click.option("--days", type=click.IntRange(1, 3650), default=365, show_default=True, help="How long the certificates hold.")
def command(folder: Path, hosts: tuple[str, ...], days: int) -> None:
    """Make a CA, a server's and a client's certificate in DIR, for `bptrain serve --tls-cert`."""
    try:
        from coordinator import certificates
    except ModuleNotFoundError:
        raise Unavailable("init-certs needs a library that is not installed: pip install 'bptrain[certs]'") from None
    for path in certificates.write(folder, hosts, days):
        click.echo(path)
    click.echo(f"\nbptrain serve --tls-cert {folder}/server.crt --tls-key {folder}/server.key [--client-ca {folder}/ca.crt]\n"
               f"bptrain list --ca {folder}/ca.crt [--cert {folder}/client.crt --key {folder}/client.key]\n"
               f"Keep {folder}/ca.key where nobody else can read it: who has it can be anybody.")
