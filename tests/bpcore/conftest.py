"""Cases come from the registries, never from a list kept here.

A test that takes `layer_case` runs once for every gradient-check case of every layer, one that takes
`layer_name` once for every layer, and so on for each family; `registry` runs over the families themselves.
"""

import importlib
import pkgutil

import bpcore
from bpcore.registry import Registry


def _registries():
    """Every Registry that a package of bpcore holds."""
    for _, name, is_package in pkgutil.iter_modules(bpcore.__path__, "bpcore."):
        module = importlib.import_module(name)
        if is_package:
            yield from (item for item in vars(module).values() if isinstance(item, Registry) and item.package == name)


REGISTRIES = {registry.family: registry for registry in _registries()}


def _cases(registry):
    """(id, case) of everything registered; test_registry.py fails for a type that brings none."""
    for name, kind in registry.types.items():
        try:
            yield from ((f"{name}-{i}", case) for i, case in enumerate(kind.cases()))
        except NotImplementedError:
            pass


def _values(argument):
    """(id, value) for an argument that this file knows, or None."""
    if argument == "registry":
        return list(REGISTRIES.items())
    if argument == "registry_with_cases":
        return [(family, registry) for family, registry in REGISTRIES.items() if hasattr(registry.base, "cases")]
    family, _, what = argument.rpartition("_")
    if family in REGISTRIES and what == "name":
        return [(name, name) for name in REGISTRIES[family].types]
    if family in REGISTRIES and what == "case":
        return list(_cases(REGISTRIES[family]))
    return None


def pytest_generate_tests(metafunc):
    for argument in metafunc.fixturenames:
        values = _values(argument)
        if values is not None:
            metafunc.parametrize(argument, [value for _, value in values], ids=[name for name, _ in values])
