"""Gathering problems: one is found, and the search goes on."""

from collections.abc import Callable
from typing import Any

from bpcore.errors import InvalidInput, Problem, unless_known


def attempt(problems: list[Problem], build: Callable[[], Any]) -> Any:
    try:
        return build()
    except InvalidInput as error:
        problems += unless_known(problems, error.problems)
        return None


def under(where: str, build: Callable[[], Any]) -> Any:
    try:
        return build()
    except InvalidInput as error:
        raise InvalidInput([problem.under(where) for problem in error.problems]) from None
