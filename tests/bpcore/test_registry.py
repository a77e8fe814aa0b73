"""Registration is discovery: a file in a family's folder is a registered thing of that file's name."""

import dataclasses
import importlib
import json
import re
import sys
from pathlib import Path

import pytest

from bpcore.errors import InvalidInput
from bpcore.layers import LAYERS
from bpcore.layers.linear import Linear
from bpcore.registry import Registry, split


def brings_a_case(kind):
    try:
        return any(True for _ in kind.cases())
    except NotImplementedError:
        return False


def test_a_file_is_registered_under_its_stem(registry):
    folder = Path(importlib.import_module(registry.package).__file__).parent
    stems = {file.stem for file in folder.glob("*.py")} - {"__init__"}
    assert set(registry.types) == stems
    assert all(kind.__module__ == f"{registry.package}.{name}" for name, kind in registry.types.items())


def test_every_registered_thing_brings_a_case(registry_with_cases):
    assert [name for name, kind in registry_with_cases.types.items() if not brings_a_case(kind)] == []


def test_a_thing_without_a_case_would_be_found(registry_with_cases):
    """Initializers run as they are unless they say otherwise."""
    assert brings_a_case(type("Caseless", (registry_with_cases.base,), {})) == (registry_with_cases.family == "initializer")


def test_every_registered_thing_is_a_frozen_dataclass_of_its_own(registry):
    for kind in registry.types.values():
        assert vars(kind)["__dataclass_params__"].frozen, kind


def test_every_attribute_says_what_it_accepts(registry):
    for kind in registry.types.values():
        for field in dataclasses.fields(kind):
            assert {"wants", "convert"} <= set(field.metadata), (kind, field.name)


def test_every_file_opens_with_its_name(registry):
    for name, kind in registry.types.items():
        assert sys.modules[kind.__module__].__doc__.startswith(f"{name}: ")


def instance(case):
    """What a case is about: itself, or its layer, loss or metric."""
    return next((getattr(case, what) for what in ("layer", "loss", "metric") if hasattr(case, what)), case)


def plain(thing):
    """A component as a job file writes it: its name and the attributes that are not the default."""
    if isinstance(thing, tuple):
        return [plain(item) for item in thing]
    if not dataclasses.is_dataclass(thing):
        return thing
    changed = [field.name for field in dataclasses.fields(thing) if getattr(thing, field.name) != field.default]
    return {type(thing).__module__.rpartition(".")[2]: {name: plain(getattr(thing, name)) for name in changed}}


def test_every_case_can_be_written_into_a_job_file(registry_with_cases):
    """As JSON and back, it is the same thing: no attribute that only Python can give."""
    for kind in registry_with_cases.types.values():
        for thing in map(instance, kind.cases()):
            assert registry_with_cases.build(json.loads(json.dumps(plain(thing)))) == thing


def test_an_unknown_name_answers_with_the_nearest_and_all_known_ones(registry):
    known = ", ".join(sorted(registry.types))
    for name in registry.types:
        text = f'unknown {registry.family} "{name}q"; did you mean {name}? known: {known}'
        with pytest.raises(InvalidInput, match=re.escape(text)):
            registry.get(name + "q")


def test_a_name_like_no_other_gets_no_guess():
    with pytest.raises(InvalidInput, match='unknown layer "0000"; known: add, '):
        LAYERS.get("0000")


@pytest.mark.parametrize("component", [
    {"linear": {"units": 10}},
    {"kind": "linear", "attributes": {"units": 10}},
    {"kind": "linear", "attributes": {"units": 10.0}},  # JSON has no integers
], ids=str)
def test_the_spellings_of_a_component_mean_the_same(component):
    assert LAYERS.build(component) == Linear(units=10)


@pytest.mark.parametrize("component", ["relu", {"relu": {}}, {"relu": None}, {"kind": "relu"},
                                       {"kind": "relu", "attributes": None}], ids=str)
def test_a_component_without_attributes_has_a_short_spelling(component):
    assert split(component) == ("relu", {})


@pytest.mark.parametrize(("component", "came"), [
    (None, "null"), (3, "3"), (["relu"], '["relu"]'), ({}, "{}"),
    ({"relu": {}, "tanh": {}}, '{"relu": {}, "tanh": {}}'),
    ({"kind": "relu", "size": 2}, '{"kind": "relu", "size": 2}'),
], ids=str)
def test_what_is_no_component_is_refused(component, came):
    text = f"expected a layer: a name, or one name with its attributes, got {came}"
    with pytest.raises(InvalidInput, match=re.escape(text)):
        LAYERS.build(component)


def test_attributes_that_are_no_pairs_are_refused():
    with pytest.raises(InvalidInput, match=r"^linear: expected attributes as name: value pairs, got \[10\]$"):
        LAYERS.build({"linear": [10]})


def test_problems_carry_the_path_of_nested_components():
    with pytest.raises(InvalidInput) as caught:
        LAYERS.build({"linear": {"units": 0, "weight_initializer": {"zeros": {"scale": 1}}}})
    assert [problem.field for problem in caught.value.problems] == ["linear.units", "linear.weight_initializer.zeros.scale"]


@pytest.fixture
def zoo(tmp_path, monkeypatch):
    """A family's folder that starts empty, and its registry."""
    folder = tmp_path / "zoo"
    folder.mkdir()
    (folder / "__init__.py").write_text("class Animal:\n    pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    base = importlib.import_module("zoo").Animal
    yield folder, Registry("animal", "zoo", base)
    for name in [name for name in sys.modules if name.partition(".")[0] == "zoo"]:
        del sys.modules[name]


def test_adding_a_file_registers_a_thing(zoo):
    folder, registry = zoo
    (folder / "yak.py").write_text("from zoo import Animal\n\nclass AnyName(Animal):\n    pass\n")
    assert list(registry.types) == ["yak"]
    assert registry.get("yak").__name__ == "AnyName"


@pytest.mark.parametrize("classes", [0, 2])
def test_a_file_defines_exactly_one_thing(zoo, classes):
    folder, registry = zoo
    bodies = [f"class A{i}(Animal):\n    pass\n" for i in range(classes)]
    (folder / "yak.py").write_text("from zoo import Animal\n" + "".join(bodies))
    with pytest.raises(TypeError, match=f"^zoo.yak must define exactly one Animal, not {classes}$"):
        registry.get("yak")
