import asyncio
import logging
import signal
import sys
from pathlib import Path

import click

from coordinator.app import Settings
from coordinator.endpoint import is_loopback
from coordinator.limits import Limits
from coordinator.ports import LOOPBACK, Listen, Tls
from coordinator.server import Server, available_cores, default_state
from coordinator.terminal import options
from worker.errors import Unavailable

LIMITS = Limits()
WEB_PORT = 7423


@click.command()
@click.option("--host", default=LOOPBACK, show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=7421, show_default=True, help="Users' port; 0 takes a free one.")
@click.option("--worker-port", type=click.IntRange(0, 65535), default=7422, show_default=True, help="Ranks' port, for this machine alone; 0 takes a free one.")
@click.option("--web-port", type=click.IntRange(0, 65535), help="The dashboard's port; 0 takes a free one.  [default: 7423, or no dashboard where that is taken]")
@click.option("--state", type=click.Path(file_okay=False, path_type=Path), help="Folder of the store and the runs.  [default: ~/.local/state/bptrain]")
@click.option("--slots", type=click.IntRange(1), help="Ranks that may run at once.  [default: the cores there are]")
@click.option("--standby/--no-standby", default=True, show_default=True, help="Keep ranks waiting for the next job while slots are free.")
@click.option("--tls-cert", type=options.PEM, help="Speak TLS: the coordinator's certificate, PEM; `bptrain init-certs` makes one.")
@click.option("--tls-key", type=options.PEM, help="Its key.")
@click.option("--client-ca", type=options.PEM, help="Talk only to clients with a certificate of this CA.")
@click.option("--require-token", is_flag=True, help="Refuse callers without a token, also before the first was made; on an address that other machines can reach, the default without --client-ca or --insecure.")
@click.option("--insecure", is_flag=True, help="Allow an address that other machines can reach, without encryption or tokens.")
@click.option("--max-queued", type=click.IntRange(1), default=LIMITS.queued, show_default=True, help="Jobs that may wait.")
@click.option("--max-queued-per-token", type=click.IntRange(0), default=LIMITS.token_queued, help="Jobs of one token that may wait.  [default: any]")
@click.option("--max-slots-per-token", type=click.IntRange(0), default=LIMITS.token_slots, help="Slots that the jobs of one token may have together.  [default: any]")
@click.option("--max-streams", type=click.IntRange(1), default=LIMITS.streams, show_default=True, help="Streams that may be open at once, of all callers together.")
@click.option("--max-streams-per-token", type=click.IntRange(0), default=LIMITS.token_streams, help="Streams of one token that may be open at once.  [default: any]")
@click.option("--audit-days", type=click.IntRange(1), default=int(LIMITS.audit_s) // 86_400, show_default=True, help="How long the audit trail is kept.")
@click.option("--max-message-mib", type=click.IntRange(1, 1024), default=LIMITS.message_bytes >> 20, show_default=True, help="Of one request.")
@click.option("--otlp", envvar="OTEL_EXPORTER_OTLP_ENDPOINT", default="", metavar="URL", help="Send traces of calls and attempts to this collector (OTLP over gRPC), such as http://127.0.0.1:4317.  [default: $OTEL_EXPORTER_OTLP_ENDPOINT]")
@options.data_root
def command(host: str, port: int, worker_port: int, web_port: int | None, state: Path | None, slots: int | None, standby: bool,
            tls_cert: Path | None, tls_key: Path | None, client_ca: Path | None, require_token: bool, insecure: bool, max_queued: int,
            max_queued_per_token: int, max_slots_per_token: int, max_streams: int, max_streams_per_token: int, audit_days: int,
            max_message_mib: int, otlp: str, data_root: str) -> None:
    """Run the coordinator until Ctrl-C or SIGTERM. Jobs that run go on without it."""
    tls = _tls(tls_cert, tls_key, client_ca)
    if not (tls or insecure or is_loopback(host)):
        raise click.UsageError(f"--host {host} can be reached by other machines, and nothing is encrypted: "
                               "add --tls-cert and --tls-key, or --insecure to allow it")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    settings = Settings((state or default_state()).resolve(), Path(data_root).resolve(), slots or available_cores(), standby,
                        require_token or not (client_ca or insecure or is_loopback(host)),
                        Limits(max_queued, max_streams, max_message_mib << 20, max_queued_per_token, max_slots_per_token, max_streams_per_token,
                               audit_s=audit_days * 86_400), otlp)
    asyncio.run(_serve(settings, Listen(host, port, worker_port, tls, web_port)))


def _tls(certificate: Path | None, key: Path | None, client_ca: Path | None) -> Tls | None:
    if bool(certificate) != bool(key) or (client_ca and not certificate):
        raise click.UsageError("TLS needs both --tls-cert and --tls-key; --client-ca only adds to them")
    return Tls(certificate, key, client_ca) if certificate and key else None


async def _serve(settings: Settings, listen: Listen) -> None:
    server, leave = Server(settings, listen), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, leave.set)
    await server.start()
    try:
        await _until(leave, server, settings, listen)
    finally:  # also where nobody reads any more what it says
        await server.stop()


async def _until(leave: asyncio.Event, server: Server, settings: Settings, listen: Listen) -> None:
    if not (listen.tls or is_loopback(listen.host)):
        click.echo(f"warning: whoever can reach {server.address} can read along: nothing is encrypted", err=True)
    click.echo(f"coordinator at {server.address}  ranks' port {server.worker_address}  {settings.slots} slot(s)  state in {settings.state}")
    await _see_to_dashboard(server, listen)
    if settings.require_token:
        await _see_to_tokens(server, settings.state)
    await leave.wait()
    click.echo("leaving; jobs that run go on")


async def _see_to_dashboard(server: Server, listen: Listen) -> None:
    """One that nobody asked for is no reason not to start."""
    try:
        if listen.web_port is None:
            await server.start_web(WEB_PORT)
        click.echo(f"dashboard at {server.web_address}")
    except Unavailable as error:
        click.echo(f"no dashboard: {error}", err=True)


async def _see_to_tokens(server: Server, state: Path) -> None:
    """The first token is shown on a terminal and never in a log: where nobody looks, it has to be asked for."""
    if not sys.stdout.isatty():
        if not await server.has_tokens():
            click.echo(f"there is no token yet, and nobody is let in; make one with: bptrain token create NAME --scope admin --state {state}")
    elif secret := await server.first_token():
        click.echo(f"the token of the administrator, shown this once:\n\n    BPTRAIN_TOKEN={secret}\n")
