import time

import click
from google.protobuf import json_format

from bptrain.v1.admin_service_pb2 import ListTokensResponse, Token
from coordinator.access.rules import label
from coordinator.client import Client
from coordinator.endpoint import Endpoint
from coordinator.terminal import options
from coordinator.terminal.clock import clock
from coordinator.terminal.columns import columns


@click.command()
@options.output
@options.coordinator
def command(style: str, address: Endpoint) -> None:
    """List all tokens that there are or were; not their secrets, which nobody has but their holders."""
    with Client(address) as client:
        tokens = client.tokens()
    if style == "json":
        click.echo(json_format.MessageToJson(ListTokensResponse(tokens=tokens), preserving_proto_field_name=True))
        return
    rows = [(token.name, label(token.scope), clock(token.created), clock(token.expires), _state(token)) for token in tokens]
    click.echo(columns(("name", "scope", "created", "expires", "state"), rows) if rows else "no tokens yet")


def _state(token: Token) -> str:
    if token.revoked:
        return f"revoked {clock(token.revoked)}"
    return "expired" if token.expires <= time.time() else "valid"
