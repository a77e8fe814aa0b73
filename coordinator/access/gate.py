"""Who is calling.

1. Tokens are wanted once one was ever made, or from the start where the coordinator is told so.
2. Every call is looked up anew: a token that is revoked, also by another process, is refused from the next call on.
"""

import time
from dataclasses import dataclass

from coordinator.access import rules
from coordinator.errors import Refusal
from coordinator.store import tokens
from coordinator.store.database import Database


@dataclass(frozen=True)
class Caller:
    """`name`: the token's, for the audit trail. `token`: the same, but empty where none was shown."""

    name: str
    scope: int

    @property
    def token(self) -> str:
        return "" if self is ANYONE else self.name

    def may(self, method: str, needed: int) -> None:
        """Raises Refusal SCOPE_MISSING."""
        if self.scope < needed:
            raise Refusal("SCOPE_MISSING", method=method, needed=rules.label(needed), token=self.name, scope=rules.label(self.scope))


ANYONE = Caller("anyone", rules.ADMIN)


class Gate:
    def __init__(self, database: Database, require_token: bool):
        self._database, self._require_token = database, require_token

    def caller(self, authorization: str) -> Caller:
        """Whose token this is. Raises Refusal TOKEN_MISSING, TOKEN_INVALID, TOKEN_EXPIRED or TOKEN_REVOKED."""
        scheme, _, secret = authorization.partition(" ")
        token, wanted = self._database.look(
            lambda connection: (tokens.by_secret(connection, secret.strip()), self._require_token or tokens.exist(connection)))
        if not wanted:
            return ANYONE
        if scheme.lower() != "bearer":
            raise Refusal("TOKEN_MISSING")
        if token is None:
            raise Refusal("TOKEN_INVALID")
        if token.revoked:
            raise Refusal("TOKEN_REVOKED", token=token.name)
        if token.expires <= time.time():
            raise Refusal("TOKEN_EXPIRED", token=token.name)
        return Caller(token.name, token.scope)
