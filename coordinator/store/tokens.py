"""Rows of the table `tokens`. A secret is found by its hash, so no comparison takes longer the more of it is right."""

import hashlib
import secrets
import sqlite3

from bptrain.v1.admin_service_pb2 import Token
from coordinator.errors import Refusal

PREFIX = "bpt_"  # so that those who look for lost secrets know one
SECRET_BYTES = 32


def require_new(connection: sqlite3.Connection, name: str) -> None:
    """Raises Refusal TOKEN_NAME_TAKEN."""
    if _find(connection, "name", name):
        raise Refusal("TOKEN_NAME_TAKEN", token=name)


def add(connection: sqlite3.Connection, token: Token) -> str:
    """Stores one of a new name; returns its secret."""
    secret = _fresh()
    connection.execute("INSERT INTO tokens (name, hash, scope, created, expires) VALUES (?, ?, ?, ?, ?)",
                       (token.name, _hash(secret), token.scope, token.created, token.expires))
    return secret


def renew(connection: sqlite3.Connection, name: str) -> str:
    """Another secret for a token; the one before is of no use any more."""
    secret = _fresh()
    connection.execute("UPDATE tokens SET hash = ? WHERE name = ?", (_hash(secret), name))
    return secret


def get(connection: sqlite3.Connection, name: str) -> Token:
    """Raises Refusal TOKEN_NOT_FOUND."""
    token = _find(connection, "name", name)
    if token is None:
        raise Refusal("TOKEN_NOT_FOUND", token=name)
    return token


def by_secret(connection: sqlite3.Connection, secret: str) -> Token | None:
    return _find(connection, "hash", _hash(secret))


def exist(connection: sqlite3.Connection) -> bool:
    """Whether one was ever made: the end of the last one opens nothing."""
    return connection.execute("SELECT EXISTS (SELECT * FROM tokens)").fetchone()[0] == 1


def everyone(connection: sqlite3.Connection) -> list[Token]:
    """Oldest first."""
    return [_token(row) for row in connection.execute("SELECT * FROM tokens ORDER BY created, name")]


def revoke(connection: sqlite3.Connection, name: str, now: float) -> Token:
    """Raises Refusal TOKEN_NOT_FOUND."""
    connection.execute("UPDATE tokens SET revoked = ? WHERE name = ? AND revoked = 0", (now, name))
    return get(connection, name)


def _fresh() -> str:
    return PREFIX + secrets.token_urlsafe(SECRET_BYTES)


def _find(connection: sqlite3.Connection, column: str, value: str | bytes) -> Token | None:
    row = connection.execute(f"SELECT * FROM tokens WHERE {column} = ?", (value,)).fetchone()
    return _token(row) if row else None


def _token(row: sqlite3.Row) -> Token:
    return Token(name=row["name"], scope=row["scope"], created=row["created"], expires=row["expires"], revoked=row["revoked"])


def _hash(secret: str) -> bytes:
    """Plain SHA-256: nobody guesses 256 random bits, however quick the hash is."""
    return hashlib.sha256(secret.encode()).digest()
