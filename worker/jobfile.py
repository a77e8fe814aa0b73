"""A job file's text → JobSpec.

1. The message's descriptor is the schema: this file names no field of it.
2. `parse` never raises for what a user wrote. It returns the part that could be read, and every
   problem, so that the checks behind it can add theirs and all are shown at once.
3. What the values mean is checked elsewhere (checks.py, bpcore.spec).
"""

import re
from pathlib import Path
from typing import Any

import yaml
from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from bpcore.attributes import unknown
from bpcore.errors import InvalidInput, Problem, expected
from bpcore.registry import split
from bptrain.v1.spec_pb2 import Component, JobSpec, Layer

LIMIT_BYTES = 1 << 20
UNSIGNED = {FieldDescriptor.TYPE_UINT32: 2**32 - 1, FieldDescriptor.TYPE_UINT64: 2**64 - 1}


class _Loader(yaml.SafeLoader):
    """YAML with two surprises removed: `1e-3` is a number, and a key given twice is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        mapping = super().construct_mapping(node, deep=True)
        if len(mapping) != len(node.value):
            names = [key.value for key, _ in node.value]
            twice = sorted({name for name in names if names.count(name) > 1})
            raise yaml.MarkedYAMLError(problem=f"the key {', '.join(twice)} stands twice", problem_mark=node.start_mark)
        return mapping


_Loader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"^[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$"), list("-+0123456789"))


def read(path: str | Path) -> tuple[JobSpec, list[Problem]]:
    """The job file at `path`, YAML or JSON. Raises InvalidInput where there is nothing to parse."""
    path = Path(path)
    try:
        if path.stat().st_size > LIMIT_BYTES:
            raise InvalidInput([Problem(str(path), expected(f"a job file of at most {LIMIT_BYTES} bytes", path.stat().st_size))])
        return parse(yaml.load(path.read_text(), _Loader))
    except OSError as error:
        raise InvalidInput([Problem(str(path), f"expected a readable job file: {error.strerror}")]) from None
    except UnicodeDecodeError:
        raise InvalidInput([Problem(str(path), "expected a job file in UTF-8")]) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" in line {mark.line + 1}" if mark else ""
        reason = getattr(error, "problem", None) or "it cannot be parsed"
        raise InvalidInput([Problem(str(path), f"expected YAML or JSON, but{line} {reason}")]) from None


def parse(data: Any) -> tuple[JobSpec, list[Problem]]:
    """(what could be read of `data`, what could not)."""
    problems: list[Problem] = []
    clean = _message(JobSpec.DESCRIPTOR, data, "", problems)
    return json_format.ParseDict(clean or {}, JobSpec()), problems


def plain(spec: JobSpec) -> dict[str, Any]:
    """The spec as plain dicts and lists; the inverse of `parse`."""
    return json_format.MessageToDict(spec, preserving_proto_field_name=True)


def _message(kind: Descriptor, value: Any, where: str, problems: list[Problem]) -> dict | None:
    """`value` as canonical JSON of the message `kind`, without what does not fit."""
    try:
        value = _SHORTHANDS.get(kind.full_name, _as_is)(value)
    except InvalidInput as error:
        problems += [problem.under(where) for problem in error.problems]
        return None
    if not isinstance(value, dict):
        problems.append(Problem(where or "job", expected("keys with values", value)))
        return None
    clean = {}
    for key, item in value.items():
        inside = f"{where}.{key}" if where else str(key)
        field = kind.fields_by_name.get(key)
        if field is None:
            problems.append(Problem(inside, unknown(key, kind.fields_by_name, "key")))
        elif item is not None and (kept := _field(field, item, inside, problems)) is not None:
            clean[key] = kept
    return clean


def _field(field: FieldDescriptor, value: Any, where: str, problems: list[Problem]) -> Any:
    if not field.is_repeated:
        return _value(field, value, where, problems)
    if not isinstance(value, list):
        problems.append(Problem(where, expected("a list", value)))
        return None
    kept = [_value(field, item, f"{where}[{i}]", problems) for i, item in enumerate(value)]
    # A layer that cannot be read keeps its place, so that the others keep their numbers.
    blank = None if field.message_type is None else {}
    return [blank if item is None else item for item in kept if item is not None or blank is not None]


def _value(field: FieldDescriptor, value: Any, where: str, problems: list[Problem]) -> Any:
    if field.message_type is None:
        wants, fits = _scalar(field, value)
        if not fits:
            problems.append(Problem(where, expected(wants, value)))
        return value if fits else None
    if field.message_type.full_name == "google.protobuf.Struct":
        return value
    return _message(field.message_type, value, where, problems)


def _scalar(field: FieldDescriptor, value: Any) -> tuple[str, bool]:
    """(what a field of this type takes, whether `value` is that)."""
    real = isinstance(value, (int, float)) and not isinstance(value, bool)
    if field.type == FieldDescriptor.TYPE_STRING:
        return "a string", isinstance(value, str)
    if field.type in UNSIGNED:
        top = UNSIGNED[field.type]
        if field.type == FieldDescriptor.TYPE_UINT64 and isinstance(value, str) and value.isdecimal():
            value, real = int(value), True  # as canonical JSON writes 64-bit integers
        return f"an integer from 0 to {top}", real and value == value and 0 <= value <= top and value == int(value)
    return "a non-negative number", real and 0 <= value < float("inf")


def _as_is(value: Any) -> Any:
    return value


def _component(value: Any) -> Any:
    """`relu` and `{linear: {units: 10}}` written out."""
    kind, attributes = split(value, "component")
    return {"kind": kind, "attributes": _jsonable(attributes, kind)}


def _layer(value: Any) -> Any:
    """The same, with `name` and `inputs` standing beside the kind."""
    kept = {key: value[key] for key in ("name", "inputs") if isinstance(value, dict) and key in value}
    rest = {key: item for key, item in value.items() if key not in kept} if kept else value
    return kept | _component(rest)


def _jsonable(value: Any, where: str) -> Any:
    """Attributes as JSON values; a date or a non-string key has no place in a job file."""
    if isinstance(value, dict):
        return {str(key): _jsonable(item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_jsonable(item, f"{where}[{i}]") for i, item in enumerate(value)]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise InvalidInput([Problem(where, expected("text, numbers, true, false, lists or keys with values", value))])


_SHORTHANDS = {Component.DESCRIPTOR.full_name: _component, Layer.DESCRIPTOR.full_name: _layer}
