"""PEM files, looked at before gRPC is given them: it would say what is wrong in lines of its own, or not at all."""

import ssl
from pathlib import Path

from worker.errors import Unavailable


def content(path: Path | None) -> bytes | None:
    """Of a file that somebody has named. Raises Unavailable."""
    try:
        return path.read_bytes() if path else None
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror}") from None


def check(certificate: Path | None, key: Path | None, ca: Path | None) -> None:
    """Raises Unavailable for files that cannot be read, are not what they are named for, or do not belong together."""
    for path in filter(None, (certificate, key, ca)):
        content(path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        if ca:
            context.load_verify_locations(ca)
        if certificate:
            context.load_cert_chain(certificate, key, password=_no_password)
    except (ssl.SSLError, ValueError) as error:
        named = ", ".join(str(path) for path in (certificate, key, ca) if path)
        raise Unavailable(f"no TLS with {named}: {getattr(error, 'reason', None) or error}") from None


def _no_password() -> str:
    """A program that asks for one at the terminal would stand still."""
    raise ValueError("the key is encrypted")
