"""What two job files do not have in common, field by field."""

import json
from collections.abc import Iterator
from itertools import chain
from typing import Any

from bptrain.v1.spec_pb2 import JobSpec
from worker.jobs import jobfile


def differing(first: JobSpec, second: JobSpec) -> list[tuple[str, str, str]]:
    """(field, its value in the one, in the other), such as ("optimizer.adam.learning_rate", "0.01", "-")."""
    one, other = (dict(_fields("", jobfile.plain(spec))) for spec in (first, second))
    names = dict.fromkeys(chain(one, other))
    return [(name, one.get(name, "-"), other.get(name, "-")) for name in names if one.get(name) != other.get(name)]


def _fields(path: str, value: Any) -> Iterator[tuple[str, str]]:
    """A component is its kind, and below that its attributes, as in a job file."""
    if isinstance(value, dict):
        kind = value.get("kind", "")
        if kind:
            yield path, kind
        for key, item in value.items():
            if key == "attributes":
                yield from _fields(f"{path}.{kind}", dict(sorted(item.items())))
            elif key != "kind":
                yield from _fields(f"{path}.{key}" if path else key, item)
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        for place, item in enumerate(value):
            yield from _fields(f"{path}[{place}]", item)
    else:
        yield path, _told(value)


def _told(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_told, value))}]"
    return value if isinstance(value, str) else json.dumps(value)
