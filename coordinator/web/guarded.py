"""Stands before every route: whom a browser may be speaking for, and what the page may do in it."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; img-src 'self' data:; "
                               "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer"}


class Guarded:
    def __init__(self, app: ASGIApp, hosts: frozenset[str]):
        self._app, self._hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        wrong = self._wrong(scope["method"], Headers(scope=scope))
        await (PlainTextResponse(*wrong) if wrong else self._app)(scope, receive, _with_headers(send))

    def _wrong(self, method: str, headers: Headers) -> tuple[str, int] | None:
        """(sentence, HTTP status) of what cannot come from our own page or a program."""
        host = headers.get("host", "")
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        if self._hosts and name not in self._hosts:
            return "this coordinator is not called so", 421
        if method == "POST" and headers.get("content-type", "").partition(";")[0] != "application/json":
            return "calls are application/json", 415
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin") and method == "POST":
            return "calls come from the coordinator's own page", 403
        return None


def _with_headers(send: Send) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(HEADERS)
        await send(message)

    return sent
