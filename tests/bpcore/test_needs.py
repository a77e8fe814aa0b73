"""Which kernels are to be compiled ahead: those that training asks for, no fewer and no more."""

import numpy as np
import pytest

import bpcore
from bpcore import kernels, needs
from bpcore.model import Model
from bpcore.optimization.update import Pace, Updater
from bpcore.plan import Key

IMAGE, SAMPLES = (10, 10, 3), 6


def layer(kind, **attributes):
    return {"kind": kind, "attributes": attributes}


HEAD = [layer("flatten"), layer("linear", units=4)]
LAYERS = {
    "planar": [layer("conv2d", filters=8, kernel=3, padding="same"), layer("relu"), layer("max_pool2d", size=2), *HEAD],
    "normalised": [layer("conv2d", filters=8, kernel=5), layer("batch_norm"), layer("gelu"), layer("avg_pool2d", size=2), *HEAD],
    "together": [layer("flatten"), layer("batch_norm", sync=True), layer("linear", units=4)],
    "recurrent": [layer("reshape", shape=[10, 30]), layer("lstm", units=5), layer("silu"), *HEAD],
}


def spec(name, **replaced):
    return bpcore.parse({"model": {"input": [*IMAGE], "layers": LAYERS[name]}, "loss": "softmax_cross_entropy", "optimizer": "adam"} | replaced)


@pytest.fixture
def batch():
    random = np.random.default_rng(3)
    return {"x": random.standard_normal((SAMPLES, *IMAGE), np.float32), "y": random.integers(0, 4, SAMPLES)}


@pytest.fixture
def asked(monkeypatch):
    """The kernels that are asked for and run."""
    found = {}
    of = kernels.compiled.Kernel.of
    monkeypatch.setattr(kernels.compiled.Kernel, "of", lambda self, dtype: found.setdefault((self, np.dtype(dtype)), of(self, dtype)))
    return found


@pytest.mark.parametrize("name", ["planar", "normalised", "recurrent"])
def test_what_a_model_needs_is_what_it_asks_for_when_it_is_trained(name, batch, asked):
    made = spec(name)
    model, updater = Model(made), Updater(made, Model(made).layout)
    p, gradient = model.initialize(1), model.layout.zeros()
    model.gradient(p, batch, gradient, Key(0, 0, 0))
    model.evaluate(p, batch)
    state = {kind: model.layout.zeros().flat for kind in updater.state}
    updater.update(Pace(1, 1, 1), gradient.flat, p.flat, state, np.empty_like(p.flat), {kind: vector.copy() for kind, vector in state.items()})
    trained = set(asked)
    assert set(needs.of_model(made, [batch], [batch])) == trained and trained


@pytest.mark.parametrize("name", LAYERS)
def test_everything_holds_what_any_model_needs(name, batch):
    assert needs.of_model(spec(name, clipping={"value": 1.0}), [batch], []).keys() <= needs.everything().keys()


def test_nothing_is_compiled_to_find_out(batch, monkeypatch):
    monkeypatch.setattr(kernels.compiled.Kernel, "_compile", None)
    needs.of_model(spec("planar"), [batch], [batch])
    needs.everything()


def test_every_kernel_has_a_name_of_its_own():
    names = [kernel.name for kernel in {kernel for kernel, _ in needs.everything()}]
    assert len(set(names)) == len(names) and {"winograd.correlate", "gelu._ahead", "descent.plain adam.Adam.direction"} < set(names)
