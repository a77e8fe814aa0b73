"""The dashboard's routes.

1. `POST /api/SERVICE/METHOD` is that call: JSON in, JSON out, or server-sent events where the method streams. There is no
   other way to ask for anything, so that gRPC, command line and page cannot say different things.
2. A page of another site cannot ask: calls need a content type that browsers ask about first, and a host name that is
   this coordinator's. A token comes in a header and never in a cookie.
3. Everything that the page needs is in `static`; nothing is loaded from elsewhere, and the browser is told so.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import quote

from google.protobuf import json_format
from google.rpc.code_pb2 import Code
from google.rpc.status_pb2 import Status
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from bptrain.v1.job_service_pb2 import ListJobsRequest
from coordinator.errors import Refusal
from coordinator.services.gateway import Gateway, Refused
from coordinator.services.translate import to_status
from coordinator.web import answers
from coordinator.web.guarded import Guarded
from coordinator.web.prometheus import CONTENT_TYPE
from coordinator.web.streams import Streamed, events

STATIC = Path(__file__).with_name("static")
DOWNLOAD = "ArtifactService/DownloadArtifact"


def site(gateway: Gateway, exposition: Callable[[], Awaitable[bytes]], hosts: frozenset[str], body_bytes: int) -> Starlette:
    """`exposition`: what Prometheus reads. `hosts`: names by which this coordinator may be called; empty for any."""

    async def call(request: Request) -> Response | Streamed:
        name = f"{request.path_params['service']}/{request.path_params['method']}"
        method, authorization = gateway.method(name), request.headers.get("authorization", "")
        if method is None or method.client_streaming:
            return answers.refusal(to_status(Refusal("FEATURE_OFF", method=name)))
        try:
            message = json_format.Parse(await _body(request, body_bytes), gateway.request(name))
            if method.server_streaming:
                return events(gateway.stream(name, message, authorization))
            return answers.answer(await gateway.unary(name, message, authorization))
        except (json_format.ParseError, UnicodeDecodeError) as error:
            return _refused(Code.INVALID_ARGUMENT, f"the request is not one of {name}: {error}")
        except TooLong:
            return _refused(Code.RESOURCE_EXHAUSTED, f"a request may have {body_bytes} bytes at most")
        except Refused as error:
            return answers.refusal(error.status)

    async def download(request: Request) -> Streamed:
        """An artifact as a file, for a browser that saves it."""
        name = request.path_params["name"]
        message = json_format.ParseDict({"job_id": request.path_params["job"], "name": name}, gateway.request(DOWNLOAD))
        as_file = {"Content-Type": "application/octet-stream", "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name.rpartition('/')[2])}"}
        return Streamed(gateway.stream(DOWNLOAD, message, request.headers.get("authorization", "")), lambda piece: piece.content, as_file)

    async def metrics(request: Request) -> Response:
        try:
            await gateway.unary("JobService/ListJobs", ListJobsRequest(page_size=1), request.headers.get("authorization", ""))
            return Response(await exposition(), media_type=CONTENT_TYPE)
        except Refused as error:
            return answers.refusal(error.status)

    routes = [Route("/metrics", metrics), Route("/api/{service}/{method}", call, methods=["POST"]), Route("/artifacts/{job}/{name:path}", download, methods=["POST"]),
              Mount("/", StaticFiles(directory=STATIC, html=True))]
    return Starlette(routes=routes, middleware=[Middleware(Guarded, hosts=hosts)])


class TooLong(Exception):
    """A request's body."""


async def _body(request: Request, most: int) -> bytes:
    """An empty one stands for an empty message. Raises TooLong."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > most:
            raise TooLong
    return body or b"{}"


def _refused(code: int, sentence: str) -> Response:
    return answers.refusal(Status(code=code, message=sentence))
