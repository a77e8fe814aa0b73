"""The schema of a component: a frozen dataclass whose fields say what they accept.

1. A field is declared with one of the functions below; its metadata holds the check.
2. `build` makes an instance from plain values and reports every problem at once.
3. Numbers may come as floats (JSON has no integers): 3.0 is accepted for 3.
"""

import dataclasses
import difflib
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from bpcore.errors import InvalidInput, Problem, expected

REQUIRED = dataclasses.MISSING


def attribute(wants: str, convert: Callable[[Any], Any], default: Any = REQUIRED) -> Any:
    """A dataclass field. `convert` returns the value to keep or raises ValueError; `wants` says what fits."""
    return dataclasses.field(default=default, metadata={"wants": wants, "convert": convert})


def integer(default: Any = REQUIRED, *, minimum: int = 0) -> Any:
    wants = {0: "a non-negative integer", 1: "a positive integer"}.get(minimum, f"an integer ≥ {minimum}")
    return attribute(wants, lambda value: to_integer(value, minimum), default)


def number(default: Any = REQUIRED, *, minimum: float = -math.inf, below: float = math.inf, above: float = -math.inf) -> Any:
    """A finite number with `minimum` ≤ value, `above` < value < `below`."""
    bounds = [f"≥ {minimum:g}"] * (minimum > -math.inf) + [f"> {above:g}"] * (above > -math.inf) + [f"< {below:g}"] * (below < math.inf)

    def convert(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise ValueError
        if not (value >= minimum and above < value < below):
            raise ValueError
        return float(value)

    return attribute(" ".join(["a number"] + [" and ".join(bounds)] * bool(bounds)), convert, default)


def flag(default: bool) -> Any:
    def convert(value: Any) -> bool:
        if not isinstance(value, bool):
            raise ValueError
        return value

    return attribute("true or false", convert, default)


def text(default: Any = REQUIRED, *, wants: str = "a non-empty string") -> Any:
    def convert(value: Any) -> str:
        if not isinstance(value, str) or not value:
            raise ValueError
        return value

    return attribute(wants, convert, default)


def choice(*names: str) -> Any:
    """One of `names`; the first is the default."""

    def convert(value: Any) -> str:
        if value not in names:
            raise ValueError
        return value

    return attribute("one of " + ", ".join(names), convert, names[0])


def pair(default: Any = REQUIRED, *, minimum: int = 1) -> Any:
    """(height, width); a single integer stands for both."""

    def convert(value: Any) -> tuple[int, int]:
        both = list(value) if isinstance(value, (list, tuple)) else [value, value]
        if len(both) != 2:
            raise ValueError
        return to_integer(both[0], minimum), to_integer(both[1], minimum)

    return attribute(f"an integer ≥ {minimum}, or two of them (height, width)", convert, default)


def component(build_component: Callable[[Any], Any], family: str, default: Any) -> Any:
    """A registered thing, by name or by name and attributes."""
    return attribute(f"the name of {family}", build_component, default)


def to_integer(value: Any, minimum: int) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != int(value) or value < minimum:
        raise ValueError
    return int(value)


def build(schema: type, values: Mapping[str, Any]) -> Any:
    """An instance of the dataclass `schema`.

    Raises InvalidInput with a problem for every unknown, missing or unfit attribute.
    """
    fields = {field.name: field for field in dataclasses.fields(schema)}
    problems = [Problem(name, unknown(name, fields, "attribute")) for name in values if name not in fields]
    kept = {}
    for name, field in fields.items():
        if name in values:
            try:
                kept[name] = field.metadata["convert"](values[name])
            except InvalidInput as error:
                problems += [problem.under(name) for problem in error.problems]
            except (ValueError, OverflowError):
                problems.append(Problem(name, expected(field.metadata["wants"], values[name])))
        elif field.default is REQUIRED:
            problems.append(Problem(name, f"expected {field.metadata['wants']}, but it is missing"))
    if problems:
        raise InvalidInput(problems)
    return schema(**kept)


def unknown(name: str, known: Iterable[str], what: str) -> str:
    """The wording for a name that is not one of `known`: the nearest, and all there are."""
    names = sorted(known)
    near = difflib.get_close_matches(str(name), names, n=1)
    guess = f"did you mean {near[0]}? " if near else ""
    return f'unknown {what} "{name}"; {guess}known: ' + (", ".join(names) or "none")
