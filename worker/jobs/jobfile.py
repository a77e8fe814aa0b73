"""A job file's text → JobSpec.

1. The message's descriptor is the schema: this file names no field of it.
2. `parse` never raises for what a user wrote. It returns the part that could be read, and every
   problem, so that the checks behind it can add theirs and all are shown at once.
3. What the values mean is checked elsewhere (fields.py, checks.py, bpcore.spec).
"""

import re
import sys
from pathlib import Path
from typing import Any

import yaml
from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct, Value

from bpcore.attributes import unknown
from bpcore.errors import InvalidInput, Problem, expected
from bpcore.registry import split
from bptrain.v1.spec_pb2 import Component, JobSpec, Layer

LIMIT_BYTES = 1 << 20
UNSIGNED = {FieldDescriptor.TYPE_UINT32: 2**32 - 1, FieldDescriptor.TYPE_UINT64: 2**64 - 1}


class _Loader(yaml.SafeLoader):
    """YAML with two surprises removed: `1e-3` is a number, and a key given twice is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        names = [key.value for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        twice = sorted({str(name) for name in names if names.count(name) > 1})
        if twice:
            raise yaml.MarkedYAMLError(problem=f"the key {', '.join(twice)} stands twice", problem_mark=node.start_mark)
        return super().construct_mapping(node, deep=True)


_Loader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"^[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$"), list("-+0123456789"))


def read(path: str | Path) -> tuple[JobSpec, list[Problem]]:
    """The job file at `path`, YAML or JSON. Raises InvalidInput where there is nothing to parse."""
    path = Path(path)
    try:
        if path.stat().st_size > LIMIT_BYTES:
            raise InvalidInput([Problem(str(path), expected(f"a job file of at most {LIMIT_BYTES} bytes", path.stat().st_size))])
        return parse(yaml.load(path.read_text(encoding="utf-8"), _Loader))
    except OSError as error:
        raise InvalidInput([Problem(str(path), f"expected a readable job file: {error.strerror}")]) from None
    except UnicodeDecodeError:
        raise InvalidInput([Problem(str(path), "expected a job file in UTF-8")]) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" in line {mark.line + 1}" if mark else ""
        reason = getattr(error, "problem", None) or "it cannot be parsed"
        raise InvalidInput([Problem(str(path), f"expected YAML or JSON, but{line} {reason}")]) from None
    except (ValueError, KeyError, AttributeError, RecursionError):  # what PyYAML's constructors let pass
        raise InvalidInput([Problem(str(path), "expected YAML or JSON, but it holds a value that cannot be read")]) from None


def value(text: str) -> Any:
    """One value, as a job file writes it. Raises InvalidInput."""
    try:
        return yaml.load(text, _Loader)
    except (yaml.YAMLError, ValueError, KeyError, AttributeError, RecursionError):
        raise InvalidInput([Problem("value", expected("a value as in a job file", text))]) from None


def parse(data: Any) -> tuple[JobSpec, list[Problem]]:
    """(what could be read of `data`, what could not)."""
    problems: list[Problem] = []
    clean = _message(JobSpec.DESCRIPTOR, data, "", problems)
    return json_format.ParseDict(clean or {}, JobSpec()), problems


def plain(message: Message) -> dict[str, Any]:
    """A spec, or a part of one, as plain dicts and lists; the inverse of `parse`. Fields that are not set
    are left out, but for a component's kind, which makes it one."""
    kinds = {"kind": ""} if "kind" in message.DESCRIPTOR.fields_by_name else {}
    return kinds | {field.name: _plain_field(field, value) for field, value in message.ListFields()}


def _plain_field(field: FieldDescriptor, value: Any) -> Any:
    if field.message_type is None:
        return list(value) if field.is_repeated else value
    if field.message_type.GetOptions().map_entry:
        inner = field.message_type.fields_by_name["value"]
        return {name: plain(item) if inner.message_type else item for name, item in value.items()}
    if field.message_type.full_name == Struct.DESCRIPTOR.full_name:
        return {name: _plain_value(item) for name, item in value.fields.items()}
    return [plain(item) for item in value] if field.is_repeated else plain(value)


def _plain_value(value: Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return {name: _plain_value(item) for name, item in value.struct_value.fields.items()}
    if kind == "list_value":
        return [_plain_value(item) for item in value.list_value.values]
    if kind == "null_value" or kind is None:
        return None
    found = getattr(value, kind)
    return int(found) if kind == "number_value" and found.is_integer() and abs(found) < 2**53 else found


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
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return _map(field.message_type.fields_by_name["value"], value, where, problems)
    if not isinstance(value, list):
        problems.append(Problem(where, expected("a list", value)))
        return None
    kept = [_value(field, item, f"{where}[{i}]", problems) for i, item in enumerate(value)]
    if field.message_type is None:  # half a shape is no shape
        return None if None in kept else kept
    # A layer that cannot be read keeps its place, so that the others keep their numbers.
    return [{} if item is None else item for item in kept]


def _map(field: FieldDescriptor, value: Any, where: str, problems: list[Problem]) -> dict | None:
    if not isinstance(value, dict):
        problems.append(Problem(where, expected("names with values", value)))
        return None
    kept = {str(name): _value(field, item, f"{where}.{name}", problems) for name, item in value.items()}
    return {name: item for name, item in kept.items() if item is not None}


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
        return "a string", isinstance(value, str) and _is_text(value)
    if field.type == FieldDescriptor.TYPE_BOOL:
        return "true or false", isinstance(value, bool)
    if field.type in UNSIGNED:
        top = UNSIGNED[field.type]
        if field.type == FieldDescriptor.TYPE_UINT64 and isinstance(value, str) and value.isdecimal():
            value, real = int(value), True  # as canonical JSON writes 64-bit integers
        return f"an integer from 0 to {top}", real and value == value and 0 <= value <= top and value == int(value)
    return "a non-negative number", real and 0 <= value <= sys.float_info.max


def _is_text(value: str) -> bool:
    """Whether it can be written in UTF-8; a lone surrogate cannot."""
    try:
        value.encode()
        return True
    except UnicodeEncodeError:
        return False


def _as_is(value: Any) -> Any:
    return value


def _component(value: Any) -> Any:
    """`relu` and `{linear: {units: 10}}` written out."""
    kind, attributes = split(value, "component")
    return {"kind": _jsonable(kind, "kind"), "attributes": _jsonable(attributes, kind)}


def _layer(value: Any) -> Any:
    """The same, with `name`, `inputs` and `share` standing beside the kind."""
    kept = {key: value[key] for key in ("name", "inputs", "share") if isinstance(value, dict) and key in value}
    rest = {key: item for key, item in value.items() if key not in kept} if kept else value
    return kept | _component(rest)


def _jsonable(value: Any, where: str) -> Any:
    """Attributes as JSON values; a date or a non-string key has no place in a job file."""
    if isinstance(value, dict):
        return {str(key): _jsonable(item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_jsonable(item, f"{where}[{i}]") for i, item in enumerate(value)]
    if value is None or isinstance(value, bool) or isinstance(value, str) and _is_text(value):
        return value
    if isinstance(value, (int, float)) and abs(value) <= sys.float_info.max:  # false for not-a-number, too
        return value
    raise InvalidInput([Problem(where, expected("text, finite numbers, true, false, lists or keys with values", value))])


_SHORTHANDS = {Component.DESCRIPTOR.full_name: _component, Layer.DESCRIPTOR.full_name: _layer}
