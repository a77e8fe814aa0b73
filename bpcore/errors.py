"""What goes wrong, and whose fault it is.

    BptrainError
    └── InvalidInput     the job file or the data: every problem at once
        └── ShapeError   one layer cannot take what it is given

The worker's and the coordinator's own errors (worker/errors.py, coordinator/errors.py) grow from the
same root.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace


class BptrainError(Exception):
    """Anything raised on purpose; its text is a sentence for users."""


@dataclass(frozen=True)
class Problem:
    """One thing wrong with what a user handed in.

    `field` is the path in the job file (`model.layers[2].conv2d.filters`); `message` says what was
    expected and what came; `reason` is a word for programs, where there is one.
    """

    field: str
    message: str
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.field else self.message

    def under(self, prefix: str) -> "Problem":
        return replace(self, field=f"{prefix}.{self.field}" if self.field else prefix)


class InvalidInput(BptrainError):
    """A job that is refused before anything starts; `problems` holds all that is wrong with it."""

    def __init__(self, problems: Sequence[Problem]):
        self.problems = list(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class ShapeError(InvalidInput):
    """A layer's shape rule does not hold."""

    def __init__(self, message: str):
        super().__init__([Problem("", message)])


def expected(what: str, got: object, hint: str = "") -> str:
    """The wording of every refusal: what was expected, what came, what to do."""
    return f"expected {what}, got {show(got)}" + (f"; {hint}" if hint else "")


def show(value: object) -> str:
    """A value as the job file would write it, cut to a readable length."""
    if isinstance(value, str) and value.startswith("("):  # a shape, described already
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)  # a message holds no integers
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        text = type(value).__name__
    text = text.encode(errors="backslashreplace").decode()  # a lone surrogate has no UTF-8
    return text if len(text) <= 60 else text[:57] + "..."


def unless_known(known: Sequence[Problem], found: Sequence[Problem]) -> list[Problem]:
    """`found` without what concerns a field that is in `known`, or lies in or around one that is."""
    fields = [problem.field for problem in known]
    return [problem for problem in found if not any(_related(problem.field, field) for field in fields)]


def _related(one: str, other: str) -> bool:
    return one == other or one.startswith((f"{other}.", f"{other}[")) or other.startswith((f"{one}.", f"{one}["))
