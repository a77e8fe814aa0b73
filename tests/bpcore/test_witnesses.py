"""Nothing registered is taken on trust: each thing has an independent witness.

1. tests/parity compares it with PyTorch or with a naive formula, or a file here does, in a table by its name.
2. This file reads those tests as text: they need not be run, nor PyTorch be installed, for a missing one to show.
"""

import ast
from pathlib import Path

import pytest

HERE = Path(__file__).parent
# ONNX runs whatever is registered and has an operator: it names nothing.
PARITY = sorted(set(HERE.parent.glob("parity/test_*.py")) - {HERE.parent / "parity" / "test_onnx.py"})
OWN = [HERE / f"test_{name}.py" for name in ("layer_values", "losses", "metrics", "optimizers", "initializers", "schedules")]


def imported(tree):
    """Full names of the modules that a file imports from, and of what it imports as modules."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def keys(tree):
    """Strings that are keys of tables."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            yield from (key.value for key in node.keys if isinstance(key, ast.Constant))


def strings(tree):
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def witnessed(package, parity, own):
    """Names of a family's things that the sources of tests speak of."""
    found = set()
    for tree in map(ast.parse, parity):
        modules = set(imported(tree))
        found |= {module.removeprefix(f"{package}.") for module in modules if module.startswith(f"{package}.")}
        if any(module == package or module.startswith(f"{package}.") for module in modules):
            found |= strings(tree)
    for tree in map(ast.parse, own):
        if any(module == package or module.startswith(f"{package}.") for module in imported(tree)):
            found |= set(keys(tree))
    return found


def test_everything_registered_has_an_independent_witness(registry):
    sources = [file.read_text() for file in PARITY], [file.read_text() for file in OWN]
    assert sorted(set(registry.types) - witnessed(registry.package, *sources)) == []


@pytest.mark.parametrize(("parity", "own"), [
    ("from bpcore.layers.relu import Relu", ""), ("from bpcore.layers import relu", ""),
    ("from bpcore.layers import LAYERS\nLAYERS.build('relu')", ""),
    ("", "from bpcore.layers import LAYERS\nREFERENCES = {'relu': max}"),
], ids=["import", "module", "name", "table"])
def test_a_witness_is_found(parity, own):
    assert "relu" in witnessed("bpcore.layers", [parity], [own])


@pytest.mark.parametrize(("parity", "own"), [
    ("", ""), ("'relu'", ""), ("from bpcore.losses import LOSSES\n'relu'", ""), ("# relu\nimport bpcore.layers", ""),
    ("", "from bpcore.layers.relu import Relu"), ("import bpcore.layers\n'relu is said in passing'", ""),
], ids=["nothing", "no import", "another family", "a comment", "only used", "in passing"])
def test_what_is_no_witness_is_not_taken_for_one(parity, own):
    assert "relu" not in witnessed("bpcore.layers", [parity], [own])


def test_the_files_are_there():
    assert all(file.exists() for file in OWN)
    assert PARITY
