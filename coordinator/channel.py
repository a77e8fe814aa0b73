"""The client's end of the line: encrypted when a CA is named, and every call shows the token."""

import re
from collections.abc import Callable
from typing import Any

import grpc

from coordinator import pem
from coordinator.endpoint import Endpoint

OPTIONS = [("grpc.keepalive_time_ms", 30_000), ("grpc.enable_http_proxy", 0)]

# What gRPC says when there is no line → what it means; the first that is found in its words.
TROUBLE = {
    "WRONG_VERSION_NUMBER": "{address} does not speak TLS; leave --ca and BPTRAIN_CA away",
    "Hostname Verification": "the certificate that {address} shows is for other names; it needs this one among its --host",
    "CERTIFICATE_VERIFY_FAILED": "the certificate that {address} shows is not signed by the CA that was named, or has expired",
    "failed to connect.*(Socket closed|Connection reset)":
        "{address} hangs up at once: it wants TLS (name its CA with --ca), or a certificate of ours (--cert and --key)",
    "": "no coordinator answers at {address}; start one with: bptrain serve",
}


def opened(endpoint: Endpoint) -> grpc.Channel:
    """Raises Unavailable for files that are no good, and where the token would be given away."""
    endpoint.check()
    channel = _line(endpoint)
    return grpc.intercept_channel(channel, _Bearer(endpoint.token)) if endpoint.token else channel


def trouble(details: str, address: str) -> str:
    """Why there is no line, as a sentence for users."""
    return next(sentence for pattern, sentence in TROUBLE.items() if re.search(pattern, details)).format(address=address)


def _line(endpoint: Endpoint) -> grpc.Channel:
    if endpoint.ca is None:
        return grpc.insecure_channel(endpoint.address, options=OPTIONS)
    credentials = grpc.ssl_channel_credentials(*map(pem.content, (endpoint.ca, endpoint.key, endpoint.certificate)))
    return grpc.secure_channel(endpoint.address, credentials, options=OPTIONS)


class _Bearer(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor):
    def __init__(self, token: str):
        self._header = ("authorization", f"bearer {token}")

    def intercept_unary_unary(self, continuation: Callable[..., Any], details: Any, request: Any) -> Any:
        return continuation(details._replace(metadata=[*(details.metadata or ()), self._header]), request)

    intercept_unary_stream = intercept_unary_unary
