"""The dashboard's server, in the coordinator's own event loop."""

import asyncio
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette

from coordinator.app import App
from coordinator.endpoint import is_loopback
from coordinator.ports import Listen
from coordinator.services.gateway import Gateway
from coordinator.views.figures import figures
from coordinator.web.prometheus import exposition
from coordinator.web.site import site
from worker.errors import Unavailable

LEAVE_S = 1  # for answers under way
EVERYWHERE = frozenset({"0.0.0.0", "::"})  # nothing that a browser could open
LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})


class Web:
    """`address`: http(s)://HOST:PORT, once started."""

    def __init__(self, gateway: Gateway, app: App, listen: Listen, body_bytes: int):
        async def numbers() -> bytes:
            return exposition(await app.database.read(figures), app.settings.slots)

        hosts = LOOPBACK_NAMES | {listen.host} if is_loopback(listen.host) else frozenset()
        self._listen, self._site = listen, site(gateway, numbers, hosts, body_bytes)

    async def start(self) -> None:
        """Raises Unavailable."""
        listening = _bound(self._listen.host, self._listen.web_port)
        host = socket.gethostname() if self._listen.host in EVERYWHERE else self._listen.host
        name = f"[{host}]" if ":" in host else host
        self.address = f"{'https' if self._listen.tls else 'http'}://{name}:{listening.getsockname()[1]}"
        self._server = _Server(_config(self._site, self._listen))
        self._task = asyncio.create_task(self._server.serve([listening]))

    async def stop(self) -> None:
        self._server.should_exit = True
        await self._task


class _Server(uvicorn.Server):
    """Signals are the coordinator's."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _config(app: Starlette, listen: Listen) -> uvicorn.Config:
    tls = listen.tls
    secure = {} if tls is None else {"ssl_certfile": tls.certificate, "ssl_keyfile": tls.key}
    if tls is not None and tls.client_ca:
        secure |= {"ssl_ca_certs": str(tls.client_ca), "ssl_cert_reqs": ssl.CERT_REQUIRED}
    return uvicorn.Config(app, log_config=None, log_level="warning", access_log=False, lifespan="off", server_header=False,
                          timeout_graceful_shutdown=LEAVE_S, **secure)


def _bound(host: str, port: int) -> socket.socket:
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(128)
        return listening
    except OSError as error:
        raise Unavailable(f"cannot listen on {host}:{port}: {error.strerror}; choose another port with --web-port") from None
