import asyncio
import ipaddress
import logging
import signal
from pathlib import Path

import click

from coordinator.app import Settings
from coordinator.server import Listen, Server, available_cores, default_state
from coordinator.terminal import options


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=7421, show_default=True, help="Users' port; 0 takes a free one.")
@click.option("--worker-port", type=click.IntRange(0, 65535), default=7422, show_default=True, help="Ranks' port; 0 takes a free one.")
@click.option("--state", type=click.Path(file_okay=False, path_type=Path), help="Folder of the store and the runs.  [default: ~/.local/state/bptrain]")
@click.option("--slots", type=click.IntRange(1), help="Ranks that may run at once.  [default: the cores there are]")
@click.option("--standby/--no-standby", default=True, show_default=True, help="Keep ranks waiting for the next job while slots are free.")
@click.option("--insecure", is_flag=True, help="Allow an address that other machines can reach, without encryption or tokens.")
@options.data_root
def command(host: str, port: int, worker_port: int, state: Path | None, slots: int | None, standby: bool, insecure: bool,
            data_root: str) -> None:
    """Run the coordinator until Ctrl-C or SIGTERM. Jobs that run go on without it."""
    if not insecure and not _loopback(host):
        raise click.UsageError(f"--host {host} can be reached by other machines, and nothing is encrypted: add --insecure to allow it")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    settings = Settings((state or default_state()).resolve(), Path(data_root).resolve(), slots or available_cores(), standby)
    asyncio.run(_serve(settings, Listen(host, port, worker_port)))


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def _serve(settings: Settings, listen: Listen) -> None:
    server, leave = Server(settings, listen), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, leave.set)
    await server.start()
    click.echo(f"coordinator at {server.address}  ranks' port {server.worker_address}  {settings.slots} slot(s)  state in {settings.state}")
    await leave.wait()
    click.echo("leaving; jobs that run go on")
    await server.stop()
