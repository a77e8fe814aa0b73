"""Registration is discovery: a file in a family's folder is a registered thing of that file's name.

1. Each file defines exactly one subclass of the family's base class; the file stem is its name.
2. Nothing is registered by hand, so a name in a job file leads straight to its file. No other is loaded for
   it: loading all of them takes a tenth of a second.
3. A component is written `relu`, `{linear: {units: 10}}` or `{kind: linear, attributes: {units: 10}}`.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from functools import cached_property
from typing import Any, Generic, TypeVar

from bpcore import attributes
from bpcore.errors import InvalidInput, Problem, expected

Base = TypeVar("Base")


class Registry(Generic[Base]):
    """All things of one family, by name."""

    def __init__(self, family: str, package: str, base: type[Base]):
        self.family, self.package, self.base = family, package, base

    @cached_property
    def types(self) -> MutableMapping[str, type[Base]]:
        """Name → class, for every file of the family's folder."""
        folder = importlib.import_module(self.package).__path__
        return _Types([name for _, name, _ in pkgutil.iter_modules(folder)], self._only_class)

    def _only_class(self, name: str) -> type[Base]:
        module = importlib.import_module(f"{self.package}.{name}")
        found = [item for item in vars(module).values()
                 if isinstance(item, type) and issubclass(item, self.base) and item.__module__ == module.__name__]
        if len(found) != 1:
            raise TypeError(f"{module.__name__} must define exactly one {self.base.__name__}, not {len(found)}")
        return found[0]

    def get(self, name: str) -> type[Base]:
        """Raises InvalidInput, naming all known ones and the nearest."""
        if not name:
            raise InvalidInput([Problem("", f"expected one of {', '.join(sorted(self.types))}, but it is missing")])
        if name not in self.types:
            raise InvalidInput([Problem("", attributes.unknown(name, self.types, self.family))])
        return self.types[name]

    def build(self, component: Any) -> Base:
        """An instance of what `component` names. Raises InvalidInput with every problem."""
        kind, values = split(component, self.family)
        schema = self.get(kind)
        try:
            return attributes.build(schema, values)
        except InvalidInput as error:
            raise InvalidInput([problem.under(kind) for problem in error.problems]) from None


class _Types(MutableMapping):
    """Names that are known, and what `load` gives for each when it is asked for."""

    def __init__(self, names: list[str], load: Callable[[str], type]):
        self._found: dict[str, type | None] = dict.fromkeys(names)
        self._load = load

    def __getitem__(self, name: str) -> type:
        if self._found[name] is None:
            self._found[name] = self._load(name)
        return self._found[name]

    def __contains__(self, name: object) -> bool:
        return name in self._found

    def __setitem__(self, name: str, kind: type) -> None:
        self._found[name] = kind

    def __delitem__(self, name: str) -> None:
        del self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


def split(component: Any, family: str = "component") -> tuple[str, Mapping[str, Any]]:
    """(kind, attributes) of a component in any of its spellings. Raises InvalidInput."""
    if isinstance(component, str):
        return component, {}
    if isinstance(component, Mapping) and isinstance(component.get("kind"), str) and set(component) <= {"kind", "attributes"}:
        kind, values = component["kind"], component.get("attributes")
    elif isinstance(component, Mapping) and len(component) == 1:
        kind, values = next(iter(component.items()))
    else:
        raise InvalidInput([Problem("", expected(f"a {family}: a name, or one name with its attributes", component))])
    values = {} if values is None else values
    if not isinstance(values, Mapping):
        raise InvalidInput([Problem(str(kind), expected("attributes as name: value pairs", values))])
    return str(kind), values
