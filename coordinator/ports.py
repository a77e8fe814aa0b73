"""Ports: whom the coordinator listens to, in plain text or with TLS.

1. The ranks' port is on the loopback interface, always: ranks are started on this machine.
2. So is the users' port, unless another address is asked for by name.
3. With a certificate it speaks TLS and nothing else; with a client CA, only to who shows a certificate of that CA.
"""

import socket
from dataclasses import dataclass
from pathlib import Path

import grpc

from coordinator import pem
from worker.errors import Unavailable

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Tls:
    """PEM files."""

    certificate: Path
    key: Path
    client_ca: Path | None = None

    def credentials(self) -> grpc.ServerCredentials:
        """Raises Unavailable for files that are no good."""
        pem.check(self.certificate, self.key, self.client_ca)
        pair = (pem.content(self.key), pem.content(self.certificate))
        return grpc.ssl_server_credentials([pair], pem.content(self.client_ca), require_client_auth=self.client_ca is not None)


@dataclass(frozen=True)
class Listen:
    """Where to listen. Port 0 means any free one. `web_port`: of the dashboard; None for none."""

    host: str
    port: int
    worker_port: int
    tls: Tls | None = None
    web_port: int | None = None

    def users(self, server: grpc.aio.Server) -> str:
        """Opens the users' port; HOST:PORT. Raises Unavailable."""
        return _bind(server, self.host, self.port, self.tls.credentials() if self.tls else None)

    def ranks(self, server: grpc.aio.Server) -> str:
        """Opens the ranks' port; HOST:PORT. Raises Unavailable."""
        return _bind(server, LOOPBACK, self.worker_port, None)


def _bind(server: grpc.aio.Server, host: str, port: int, credentials: grpc.ServerCredentials | None) -> str:
    """Asks the system first, since gRPC says what fails in lines of its own."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
        name = f"[{host}]" if ":" in host else host
        at = f"{name}:{port}"
        return f"{name}:{server.add_secure_port(at, credentials) if credentials else server.add_insecure_port(at)}"
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or "the port is taken"
        raise Unavailable(f"cannot listen on {host}:{port}: {reason}; choose another port") from None
