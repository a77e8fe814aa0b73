"""Bounded norms, biases, the average: what the update does by a parameter's shape and place."""

import dataclasses

import numpy as np
import pytest

from bpcore import Model, parse
from bpcore.arena import Layout, Owner
from bpcore.optimization.regularization import Clipping, Regularization
from bpcore.optimization.update import AVERAGE, Pace, Updater
from bpcore.optimizers.adam import Adam
from bpcore.optimizers.lamb import Lamb
from bpcore.optimizers.lars import Lars
from tests.bpcore.updates import Trained, drawn, run, spec


def test_a_units_incoming_weights_are_bounded_and_small_ones_left_alone():
    ours = run(spec(regularization=Regularization(max_norm=12.0)))
    norms = np.linalg.norm(ours.arrays()["stem.weight"], axis=0)  # about √150 = 12.2 each
    free = run(spec())
    small = np.linalg.norm(free.arrays()["stem.weight"], axis=0) < 12
    assert norms.max() <= 12 * (1 + 1e-12) and 0 < small.sum() < small.size


def test_a_tables_rows_are_its_units():
    """An embedding's words and a transposed layer's units: each row is bounded, not each column."""
    layout = Layout([Owner("words", {"weight": (3, 16)}, by_rows=frozenset(["weight"])), Owner("head", {"weight": (3, 16)})])
    p, new = layout.zeros(np.float64), layout.zeros(np.float64)
    for node in p.nodes:
        node["weight"][...] = [[3.0], [1.0], [0.5]]  # rows of length 12, 4 and 2; columns of length √10.25
    updater = Updater(spec(regularization=Regularization(max_norm=2.0)), layout)
    updater.update(Pace(1, 1.0, 1), np.zeros(layout.size), p.flat, {}, new.flat, {})
    np.testing.assert_allclose(np.linalg.norm(new.nodes[0]["weight"], axis=1), [2, 2, 2], rtol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(new.nodes[1]["weight"], axis=0), np.full(16, 2.0), rtol=1e-12)
    np.testing.assert_allclose(new.nodes[1]["weight"], p.nodes[1]["weight"] * 2 / np.sqrt(10.25), rtol=1e-12)


@pytest.mark.parametrize(("kind", "input", "attributes", "by_rows"), [
    ("embedding", None, {"vocabulary": 5, "units": 3}, True), ("linear", [4], {"units": 3, "transposed": True}, True),
    ("linear", [4], {"units": 3}, False), ("positional_embedding", [4, 3], {}, True),
])
def test_which_tables_have_units_for_rows(kind, input, attributes, by_rows):
    inputs = {"inputs": {"x": {"shape": [4], "integer": True}}} if input is None else {"input": input}
    layers = [{"kind": kind, "attributes": attributes}]
    model = Model(parse({"model": inputs | {"layers": layers}, "loss": "mse", "optimizer": "sgd"}))
    assert [slot.by_rows for slot in model.layout.slots if slot.name == "weight"] == [by_rows]


@pytest.mark.parametrize("optimizer", [Lars(0.1), Lamb()], ids=["lars", "lamb"])
def test_biases_go_by_the_plain_direction(optimizer):
    """Their norm says little: with weights alike, a bias moves the same whether it is large or small."""
    moved = []
    for size in (1.0, 1000.0):
        arrays = drawn(0) | {"stem.bias": np.full(7, size)}
        ours = Trained(spec(dataclasses.replace(optimizer, **{"weight_decay": 0.0} if isinstance(optimizer, Lamb) else {})), arrays, np.float64)
        ours.step(Pace(1, 1.0, 1), drawn(1))
        moved.append(ours.arrays()["stem.bias"] - size)
    np.testing.assert_allclose(moved[0], moved[1], rtol=1e-9)


def test_the_average_starts_at_the_first_update():
    ours = run(spec(average=0.9), steps=1)
    assert np.array_equal(ours.state[AVERAGE].flat, ours.p.flat)


def test_without_an_average_the_parameters_are_evaluated():
    ours = run(spec())
    assert ours.updater.evaluated(ours.p, ours.state) is ours.p


def test_the_update_does_not_depend_on_the_layout():
    """Blocks begin elsewhere when a parameter stands alone; no bit may change."""
    for clipping in (Clipping(), Clipping(0.5, 0.5)):
        setting = spec(Adam(), clipping=clipping, regularization=Regularization(0.1, 0.1, 0.1))
        together = run(setting, np.float32, steps=1)
        alone = Layout([Owner("stem", {"weight": (150, 240)})])
        p, g, new_p = (alone.zeros() for _ in range(3))
        p.flat[...], g.flat[...] = drawn(0)["stem.weight"].ravel(), drawn(1)["stem.weight"].ravel()
        state, new_state = ({name: np.zeros(alone.size, np.float32) for name in ("m", "v")} for _ in range(2))
        Updater(setting, alone).update(Pace(1, 4.0, 3), g.flat, p.flat, state, new_p.flat, new_state)
        assert new_p.flat.tobytes() == together.arrays()["stem.weight"].tobytes()


# PyTorch as a witness
