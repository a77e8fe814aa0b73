"""Everything that a job file can name, written down from the code: names, first lines, attributes."""

import dataclasses
import importlib
from typing import Any

from bpcore.initializers import INITIALIZERS
from bpcore.layers import LAYERS
from bpcore.losses import LOSSES
from bpcore.metrics import METRICS
from bpcore.optimizers import OPTIMIZERS
from bpcore.registry import Registry
from bpcore.schedules import SCHEDULES

FAMILIES: tuple[Registry[Any], ...] = (LAYERS, LOSSES, METRICS, OPTIMIZERS, SCHEDULES, INITIALIZERS)


def entries(family: Registry[Any]) -> list[tuple[str, str, str]]:
    """(name, what it is, attributes with their defaults) of everything in a family, by name."""
    return [(name, summary(kind), attributes(kind)) for name, kind in sorted(family.types.items())]


def plural(family: Registry[Any]) -> str:
    """The family's folder: `losses`."""
    return family.package.rpartition(".")[2]


def summary(kind: type) -> str:
    """The first line of the file's docstring, behind the name."""
    first = (importlib.import_module(kind.__module__).__doc__ or "").strip().splitlines()[0]
    return first.partition(": ")[2] or first


def page(family: Registry[Any], name: str) -> str:
    """All about one thing: what its file opens with, and what each attribute accepts."""
    kind = family.types[name]
    told = f"{family.family} {(importlib.import_module(kind.__module__).__doc__ or '').strip()}"
    fields = dataclasses.fields(kind)
    width = max((len(field.name) for field in fields), default=0)
    lines = [f"  {field.name:{width}}  {field.metadata['wants']}{_unless_given(field)}" for field in fields]
    return "\n".join([told, *["", "attributes"] * bool(lines), *lines])


def _unless_given(field: dataclasses.Field) -> str:
    return "" if field.default is dataclasses.MISSING else f"; {_written(field.default)} unless given"


def attributes(kind: type) -> str:
    """`units, bias = true`: as a job file would write the defaults."""
    return ", ".join(_attribute(field) for field in dataclasses.fields(kind))


def _attribute(field: dataclasses.Field) -> str:
    if field.default is dataclasses.MISSING:
        return field.name
    return f"{field.name} = {_written(field.default)}"


def _written(value: Any) -> str:
    if dataclasses.is_dataclass(value):
        return type(value).__module__.rpartition(".")[2]
    if value is None or isinstance(value, bool):
        return {None: "none", True: "true", False: "false"}[value]
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_written, value)) + "]"
    return f"{value:g}" if isinstance(value, float) else str(value)


def markdown() -> str:
    """One table a family."""
    parts = []
    for family in FAMILIES:
        rows = [" | ".join(["", f"`{name}`", *(cell.replace("|", "\\|") for cell in (what, given)), ""]).strip()
                for name, what, given in entries(family)]
        parts.append("\n".join([f"### {plural(family).capitalize()}", "", "| name | what it is | attributes |", "|---|---|---|", *rows]))
    return "\n\n".join(parts) + "\n"
