"""Who calls, for what is done on the way of one call."""

from contextvars import ContextVar

NOBODY = ""  # no token was shown
_name: ContextVar[str] = ContextVar("caller", default=NOBODY)


def calls(name: str) -> None:
    """Says, for the rest of this call, whose token was shown."""
    _name.set(name)


def owner() -> str:
    """The token's name; empty where none was shown."""
    return _name.get()


def who() -> str:
    """The same in a sentence."""
    return owner() or "a user"
