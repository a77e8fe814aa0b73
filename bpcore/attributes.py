"""The schema of a component: a frozen dataclass whose fields say what they accept.

1. A field is declared with one of the functions below; its metadata holds the check. Any other field is no attribute.
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
        if not is_number(value) or not (value >= minimum and above < value < below):
            raise ValueError
        return float(value)

    return attribute(" ".join(["a number"] + [" and ".join(bounds)] * bool(bounds)), convert, default)


def fraction(default: Any = REQUIRED) -> Any:
    def convert(value: Any) -> float:
        if not is_number(value) or not 0 <= value <= 1:
            raise ValueError
        return float(value)

    return attribute("a number from 0 to 1", convert, default)


def flag(default: bool | None) -> Any:
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


def numbers(default: Any = REQUIRED) -> Any:
    """A list of finite numbers."""

    def convert(value: Any) -> tuple[float, ...]:
        if not isinstance(value, (list, tuple)) or not all(is_number(item) for item in value):
            raise ValueError
        return tuple(map(float, value))

    return attribute("a list of numbers", convert, default)


def integers(default: Any = REQUIRED, *, minimum: int = 0) -> Any:
    """A list of integers."""

    def convert(value: Any) -> tuple[int, ...]:
        if not isinstance(value, (list, tuple)):
            raise ValueError
        return tuple(to_integer(item, minimum) for item in value)

    return attribute(f"a list of integers ≥ {minimum}", convert, default)


def names(default: Any = REQUIRED) -> Any:
    """A list of strings."""

    def convert(value: Any) -> tuple[str, ...]:
        if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) for item in value):
            raise ValueError
        return tuple(value)

    return attribute("a list of names", convert, default)


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


def is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def to_integer(value: Any, minimum: int) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != int(value) or value < minimum:
        raise ValueError
    return int(value)


def build(schema: type, values: Mapping[str, Any]) -> Any:
    """An instance of the dataclass `schema`.

    Raises InvalidInput with a problem for every unknown, missing or unfit attribute.
    """
    fields = {field.name: field for field in dataclasses.fields(schema) if "convert" in field.metadata}
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


def whole(default: Any = REQUIRED) -> Any:
    """An integer of either sign."""
    return attribute("an integer", lambda value: to_integer(value, -math.inf), default)


def axis(default: Any = REQUIRED) -> Any:
    """An axis of a sample: the batch is not counted, negative ones count from the last."""
    return attribute("an axis of a sample, such as 0 or -1", lambda value: to_integer(value, -math.inf), default)


def padding(axes: int = 2) -> Any:
    """valid, same, or the zeros to put at both ends of each axis; a single integer stands for all axes."""
    several = ", or two of them (height, width)" if axes == 2 else ""

    def convert(value: Any) -> str | tuple[int, ...]:
        if value in ("valid", "same"):
            return value
        each = list(value) if isinstance(value, (list, tuple)) else [value] * axes
        if len(each) != axes:
            raise ValueError
        return tuple(to_integer(item, 0) for item in each)

    return attribute(f"valid, same, or an integer ≥ 0{several}", convert, "valid")
