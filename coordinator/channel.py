"""The client's end of the line: encrypted when a CA is named."""

import re
from types import ModuleType
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


def opened(endpoint: Endpoint, library: ModuleType) -> Any:
    """A channel of that library: grpc or grpc.aio. Raises Unavailable for files that are no good, and where the token
    would be given away."""
    endpoint.check()
    if endpoint.ca is None:
        return library.insecure_channel(endpoint.address, options=OPTIONS)
    credentials = grpc.ssl_channel_credentials(*map(pem.content, (endpoint.ca, endpoint.key, endpoint.certificate)))
    return library.secure_channel(endpoint.address, credentials, options=OPTIONS)


def trouble(details: str, address: str) -> str:
    """Why there is no line, as a sentence for users."""
    return next(sentence for pattern, sentence in TROUBLE.items() if re.search(pattern, details)).format(address=address)
