"""Makes, lists and revokes tokens: for AdminService, and for the commands that work on the store itself."""

import sqlite3
import time

from bpcore.errors import InvalidInput, Problem, expected
from bptrain.v1.admin_service_pb2 import CreateTokenRequest, CreateTokenResponse, RevokeTokenRequest, RevokeTokenResponse, Scope, Token
from coordinator.access import rules, trail
from coordinator.access.caller import owner
from coordinator.store import requests, tokens
from worker.jobs.fields import NAME

DAY_S = 86_400
LONGEST_S, FIRST_S = 3650 * DAY_S, 90 * DAY_S


def checked(connection: sqlite3.Connection, name: str, scope: int, lifetime_s: int) -> Token:
    """The token as it would be; nothing is made. Raises InvalidInput with every problem, Refusal TOKEN_NAME_TAKEN."""
    problems = _problems(name, scope, lifetime_s)
    if not problems and scope != rules.ADMIN and not tokens.exist(connection):
        problems = [Problem("scope", expected("admin for the first token, or nobody could make the next", rules.label(scope)))]
    if problems:
        raise InvalidInput(problems)
    tokens.require_new(connection, name)
    now = time.time()
    return Token(name=name, scope=scope, created=now, expires=now + lifetime_s)


def create(connection: sqlite3.Connection, name: str, scope: int, lifetime_s: int) -> tuple[Token, str]:
    """The token and its secret. Raises the same."""
    token = checked(connection, name, scope, lifetime_s)
    return token, tokens.add(connection, token)


def created(connection: sqlite3.Connection, request: CreateTokenRequest) -> CreateTokenResponse:
    """The same for a call. Nobody has the secret of the first answer to give it again, so a repeat gets a new one, of the same
    token. Raises Refusal REQUEST_ID_REUSED, too."""
    if earlier := requests.first_answer(connection, request, Token, owner()):
        token = tokens.get(connection, earlier.name)
        return CreateTokenResponse(token=token, secret="" if token.revoked else tokens.renew(connection, token.name))
    token, secret = create(connection, request.name, request.scope, request.lifetime_s)
    requests.remember(connection, request, token, token.name, owner())
    return CreateTokenResponse(token=token, secret=secret)


def create_at_console(connection: sqlite3.Connection, name: str, scope: int, lifetime_s: int) -> str:
    """The same with the store at hand; returns the secret."""
    _, secret = create(connection, name, scope, lifetime_s)
    trail.from_console(connection, "CreateToken", name)
    return secret


def first(connection: sqlite3.Connection) -> str:
    """The secret of a new token `admin`; empty when a token was made before."""
    return "" if tokens.exist(connection) else create_at_console(connection, "admin", rules.ADMIN, FIRST_S)


def revoke(connection: sqlite3.Connection, name: str) -> Token:
    """Raises Refusal TOKEN_NOT_FOUND."""
    return tokens.revoke(connection, name, time.time())


def revocable(connection: sqlite3.Connection, name: str) -> Token:
    """The token as that would leave it; nothing is written. Raises the same."""
    token = tokens.get(connection, name)
    token.revoked = token.revoked or time.time()
    return token


def revoked(connection: sqlite3.Connection, request: RevokeTokenRequest) -> RevokeTokenResponse:
    """The same for a call. Raises Refusal REQUEST_ID_REUSED, too."""
    token = requests.first_answer(connection, request, Token)
    if token is None:
        token = revoke(connection, request.name)
        requests.remember(connection, request, token, token.name)
    return RevokeTokenResponse(token=token)


def _problems(name: str, scope: int, lifetime_s: int) -> list[Problem]:
    problems = []
    if not NAME.fullmatch(name):
        problems.append(Problem("name", expected("1 to 64 letters, digits, '.', '_' or '-'", name)))
    if scope not in rules.NAMES.values():
        problems.append(Problem("scope", expected("read, submit or admin", rules.label(scope) if scope in Scope.values() else scope)))
    if not 1 <= lifetime_s <= LONGEST_S:
        problems.append(Problem("lifetime_s", expected(f"1 to {LONGEST_S} seconds", lifetime_s)))
    return problems
