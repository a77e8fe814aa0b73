"""Where a coordinator is and how to speak to it: address, token, certificates; as given, else from the environment.

1. Importing this loads no gRPC.
2. A token leaves this machine encrypted or not at all.
"""

import ipaddress
import os
from dataclasses import dataclass, field
from pathlib import Path

from coordinator import pem
from worker.errors import Unavailable

DEFAULT_ADDRESS = "127.0.0.1:7421"


@dataclass(frozen=True)
class Endpoint:
    """`address`: HOST:PORT. `token`: as `bptrain token create` printed it. The files are PEM: `ca` is who signs the
    coordinator's certificate, and with it the line is encrypted; `certificate` and `key` say who calls."""

    address: str
    token: str = field(default="", repr=False)
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    @classmethod
    def of(cls, address: str = "", token_file: Path | None = None, ca: Path | None = None, certificate: Path | None = None,
           key: Path | None = None) -> "Endpoint":
        """What is not given comes from $BPTRAIN_COORDINATOR, $BPTRAIN_TOKEN, $BPTRAIN_CA, $BPTRAIN_CERT and $BPTRAIN_KEY."""
        token = pem.content(token_file).decode(errors="replace") if token_file else os.environ.get("BPTRAIN_TOKEN", "")
        return cls(address or os.environ.get("BPTRAIN_COORDINATOR") or DEFAULT_ADDRESS, token.strip(), ca or _path("BPTRAIN_CA"),
                   certificate or _path("BPTRAIN_CERT"), key or _path("BPTRAIN_KEY"))

    def check(self) -> None:
        """Raises Unavailable for what can never work, or would give the token away."""
        if not (self.token.isascii() and self.token.isprintable()):
            raise Unavailable("the token has characters that no token has; take it as `bptrain token create` printed it")
        if self.token and not self.ca and not is_loopback(self.address.rpartition(":")[0]):
            raise Unavailable(f"the token would go to {self.address} unencrypted; name the CA of its certificate with --ca or BPTRAIN_CA")
        if bool(self.certificate) != bool(self.key) or (self.certificate and not self.ca):
            raise Unavailable("a client's certificate needs its key and the coordinator's CA: give --cert, --key and --ca together")
        pem.check(self.certificate, self.key, self.ca)


def _path(variable: str) -> Path | None:
    return Path(os.environ[variable]) if os.environ.get(variable) else None


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach that address."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
