"""Cases come from the registries, never from a list kept here.

A test that takes `layer_name` runs once for every layer; one that takes `layer_case` does so, too, on every
gradient-check case of the layer in turn (a failure says on which); and so on for each family. `registry` runs
over the families themselves.

`doubles` registers four small layers for tests of what graphs and models do with special ones: `lookup`
(integers in), `masked` (numbers and a mask in), `centered` (a running statistic), `levelled` (sums over the
whole global batch).
"""

import importlib
import pkgutil
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

import bpcore
from bpcore.attributes import integer
from bpcore.errors import ShapeError
from bpcore.initializers.he_normal import HeNormal
from bpcore.initializers.zeros import Zeros
from bpcore.layers import LAYERS, Layer, Parameter
from bpcore.registry import Registry


def _registries():
    """Every Registry that a package of bpcore holds."""
    for _, name, is_package in pkgutil.iter_modules(bpcore.__path__, "bpcore."):
        module = importlib.import_module(name)
        if is_package:
            yield from (item for item in vars(module).values() if isinstance(item, Registry) and item.package == name)


REGISTRIES = {registry.family: registry for registry in _registries()}


class Cases(list):
    """All cases of one registered thing; a test that takes them is called with each."""


def _cases(registry):
    """(name, cases) of everything registered; test_registry.py fails for a type that brings none."""
    for name, kind in registry.types.items():
        try:
            yield name, Cases(kind.cases())
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


def pytest_pyfunc_call(pyfuncitem):
    taken = pyfuncitem._fixtureinfo.argnames
    arguments = {name: pyfuncitem.funcargs[name] for name in taken}
    many = next((name for name in taken if isinstance(arguments[name], Cases)), None)
    if many is None:
        return None
    for i, case in enumerate(arguments[many]):
        try:
            pyfuncitem.obj(**arguments | {many: case})
        except BaseException as error:
            error.add_note(f"on case {i}: {case}")
            raise
    return True


@dataclass(frozen=True)
class Lookup(Layer):
    """y = W[x], with integers x: (…,), W: (entries, units), y: (…, units)."""

    integer_inputs: ClassVar[tuple[int, ...]] = (0,)
    entries: int = integer(5)
    units: int = integer(3)

    def output_shape(self, x):
        return (*x, self.units)

    def parameters(self, x):
        return {"weight": Parameter((self.entries, self.units), HeNormal())}

    def forward(self, w):
        w.y[...] = w.p["weight"][w.x]

    def backward(self, w):
        assert w.dx is None, "integers have no gradient"
        w.g["weight"].fill(0)
        np.add.at(w.g["weight"], w.x, w.dy)


@dataclass(frozen=True)
class Masked(Layer):
    """y = m x for each place; x: (time, features), m: (time,) of 0 and 1; without m all 1."""

    arity: ClassVar[tuple[int, int | None]] = (1, 2)
    integer_inputs: ClassVar[tuple[int, ...]] = (1,)

    def output_shape(self, x, mask=None):
        if mask is not None and mask != x[:1]:
            raise ShapeError("expected a mask of (time,)")
        return x

    def forward(self, w):
        w.y[...] = w.x * self._mask(w)

    def backward(self, w):
        assert w.dinputs[1:] in ([], [None]), "integers have no gradient"
        if w.dx is not None:
            w.dx[...] = w.dy * self._mask(w)

    def _mask(self, w):
        return w.inputs[1][..., None] if len(w.inputs) > 1 else 1


@dataclass(frozen=True)
class Centered(Layer):
    """y = s (x − mean), over the batch in training, and the running one in evaluation; x: (features,)."""

    def output_shape(self, x):
        return x

    def parameters(self, x):
        return {"scale": Parameter(x, HeNormal()), "mean": Parameter(x, Zeros(), momentum=0.25)}

    def forward(self, w):
        w.y[...] = w.p["scale"] * (w.x - (w.x.mean(axis=0) if w.training else w.p["mean"]))

    def backward(self, w):
        mean = w.x.mean(axis=0) if w.training else w.p["mean"]
        w.g["mean"][...] = w.x.sum(axis=0) if w.training else 0
        w.g["scale"][...] = (w.dy * (w.x - mean)).sum(axis=0)
        if w.dx is not None:
            w.dx[...] = w.p["scale"] * (w.dy - (w.dy.mean(axis=0) if w.training else 0))


@dataclass(frozen=True)
class Levelled(Layer):
    """y = x − mean, over the whole global batch in training; y = x in evaluation; x: (features,)."""

    def output_shape(self, x):
        return x

    def whole_batch(self, x):
        return x[0] + 1

    def collect(self, w, backward):
        array = w.dy if backward else w.x
        return np.append(array.sum(axis=0, dtype=np.float64), len(array))

    def forward(self, w):
        w.y[...] = w.x - self._mean(w)

    def backward(self, w):
        if w.dx is not None:
            w.dx[...] = w.dy - self._mean(w)

    def _mean(self, w):
        return w.totals[:-1] / w.totals[-1] if w.training else 0


@pytest.fixture
def doubles(monkeypatch):
    for name, kind in {"lookup": Lookup, "masked": Masked, "centered": Centered, "levelled": Levelled}.items():
        monkeypatch.setitem(LAYERS.types, name, kind)
