"""Messages as HTTP: JSON as the command line prints it, refusals with their status."""

from google.protobuf import json_format
from google.protobuf.message import Message
from google.rpc.code_pb2 import Code
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo
from google.rpc.status_pb2 import Status
from starlette.responses import JSONResponse, Response

# As google/rpc/code.proto has them.
HTTP = {"INVALID_ARGUMENT": 400, "FAILED_PRECONDITION": 400, "OUT_OF_RANGE": 400, "UNAUTHENTICATED": 401, "PERMISSION_DENIED": 403,
        "NOT_FOUND": 404, "ALREADY_EXISTS": 409, "ABORTED": 409, "RESOURCE_EXHAUSTED": 429, "UNIMPLEMENTED": 501, "UNAVAILABLE": 503}


def encoded(message: Message) -> str:
    return json_format.MessageToJson(message, preserving_proto_field_name=True, indent=None)


def answer(message: Message) -> Response:
    return Response(encoded(message), media_type="application/json")


def refusal(status: Status) -> Response:
    """The reason, the sentence and every problem."""
    info, request = ErrorInfo(), BadRequest()
    for detail in status.details:
        detail.Unpack(info) or detail.Unpack(request)
    problems = [{"field": violation.field, "message": violation.description, "reason": violation.reason} for violation in request.field_violations]
    body = {"code": Code.Name(status.code), "reason": info.reason, "message": status.message, "problems": problems}
    return JSONResponse(body, HTTP.get(body["code"], 500))
