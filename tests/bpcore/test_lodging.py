"""Outputs in the memory of their inputs, and relu in the pass of the layer before: same bits, less memory."""

import numpy as np
import pytest

from bpcore import Model, lodging, parse
from bpcore.plan import Key, Plan


def layer(kind, name="", inputs=(), **attributes):
    return {"kind": kind, "attributes": attributes, "name": name, "inputs": list(inputs)}


RESIDUAL = [
    layer("conv2d", "first", filters=4, kernel=3, padding="same"), layer("batch_norm", "norm"), layer("relu", "gate"),
    layer("conv2d", "second", filters=4, kernel=3, padding="same"), layer("batch_norm", "other"),
    layer("add", "join", ["gate", "other"]), layer("relu", "last"), layer("flatten", "flat"), layer("dropout", "drop", rate=0.3),
    layer("linear", "out", units=3)]
TWICE = [layer("linear", "a", units=5), layer("relu", "gate"), layer("add", "double", ["gate", "gate"]), layer("relu", "again"),
         layer("tanh", "bend"), layer("linear", "out", units=3)]
WATCHED = [layer("linear", "a", units=3), layer("relu", "gate"), layer("linear", "out", units=3)]


def model(layers, dtype=np.float32, losses=None):
    shape = [6, 5, 2] if layers is RESIDUAL else [7]
    job = {"model": {"input": shape, "layers": layers}, "optimizer": "sgd", **({"losses": losses} if losses else {"loss": "mse"})}
    return Model(parse(job), dtype)


def found(made, heads=frozenset()):
    graph = made.spec.graph
    hosts = lodging.hosts(graph, heads)
    names = [node.name for node in graph.nodes]
    return ({names[guest]: names[host] for guest, host in hosts.items()},
            {names[guest]: names[host] for guest, host in lodging.rectified(graph, hosts).items()})


def test_who_lodges_where():
    """gate has two readers, tanh and relu look at their outputs again: no one may write over these."""
    hosts, rectified = found(model(RESIDUAL))
    assert hosts == {"gate": "norm", "join": "other", "last": "join", "drop": "flat"}
    assert rectified == {"gate": "norm", "last": "join"}
    assert found(model(TWICE)) == ({"gate": "a", "again": "double"}, {"gate": "a", "again": "double"})


def test_what_a_loss_reads_stays_as_it_is():
    made = model(WATCHED, losses=[{"loss": "mse", "output": "a", "target": "y"}, {"loss": "mse", "output": "out", "target": "y"}])
    assert found(made, {head.output for head in made.spec.heads}) == ({}, {})


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("layers", [RESIDUAL, TWICE, WATCHED], ids=["residual", "twice", "watched"])
def test_it_changes_no_bit(layers, dtype):
    made, random = model(layers, dtype), np.random.default_rng(3)
    n, parameters = 5, made.initialize(1)
    parameters.flat[:] += 0.1 * random.standard_normal(parameters.flat.size).astype(dtype)
    batch = {"x": random.standard_normal((n, *made.spec.graph.inputs[0].shape)), "y": random.standard_normal((n, 3))}
    outcomes = []
    for apart in (False, True):
        made._plans[n, False, 0] = Plan(made.spec, n, dtype, False, apart)
        out = made.layout.zeros(dtype)
        row = made.gradient(parameters, batch, out, Key(1, 2, 3))
        outcomes.append((row.tobytes(), out.flat.tobytes(), made.diagnosis(n).tobytes(), made.predict(parameters, batch).tobytes()))
    assert outcomes[0] == outcomes[1]


def test_it_saves_memory():
    """Of RESIDUAL's ten outputs four lie in another's memory; gradients need three buffers, not four."""
    plans = [Plan(model(RESIDUAL).spec, 8, np.float32, False, apart) for apart in (False, True)]
    outputs, gradients = ([len({array.__array_interface__["data"][0] for array in arrays(plan)}) for plan in plans] for arrays in (
        lambda plan: [w.y for w in plan.steps], lambda plan: [w.dy for w in plan.steps]))
    assert outputs == [6, 10]
    assert gradients[0] < gradients[1]
